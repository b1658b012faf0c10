"""What several test files use: models, servers, programs, independent arithmetic. Not tests themselves."""
