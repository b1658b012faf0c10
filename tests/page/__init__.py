"""The page of `drugs serve` as its users see it: in a browser, with the real server and model."""
