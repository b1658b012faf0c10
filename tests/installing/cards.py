"""A dosed text on a device that has Vulkan, with the backend that a wheel brings, and without a driver."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from installing.variants import PROMPT, WRITE

if TYPE_CHECKING:
    from installing.environment import Environment

#: upstream leaves out devices that are processors, such as Mesa's, unless they are chosen
_ANY_DEVICE = {"GGML_VK_VISIBLE_DEVICES": "0"}
_NO_DRIVER = {"VK_ICD_FILENAMES": "", "VK_DRIVER_FILES": "/nowhere.json"}

_WRITE = (*WRITE, "-ngl", "99")


def tried(environment: Environment) -> str:
    """Return the device on which a text was written; what was not tried, if there is none."""
    text = environment.run(environment.program, *_WRITE, **_NO_DRIVER)
    assert text.startswith(PROMPT), text

    listed = environment.run(environment.program, "serve", "--list-devices", **_ANY_DEVICE)
    device = re.search(r"Vulkan0: (.+)", listed)
    if device is None:
        return "not tried: there is no device, or the wheel was built without Vulkan"
    text = environment.run(environment.program, *_WRITE, **_ANY_DEVICE)
    assert text.startswith(PROMPT), text
    return f"{device[1]}: {text}"
