"""Shows the steps Scans and Learn in a process of its own, at the scale that QT_SCALE_FACTOR says, and prints how they fit."""

from __future__ import annotations

import json
import sys

from host import environment, qt_host

environment.draw_without_display()
qt_host.install()

from PySide6 import QtWidgets  # noqa: E402


def main() -> None:
    application = QtWidgets.QApplication(["scaled"])
    from host.pictures import picture
    from panel.showing import NARROW, settle, shown
    from panel.step_samples import both_steps, narrowest

    found = {"ratio": application.devicePixelRatio()}
    for name, step, view in both_steps():
        with shown(step.widget, NARROW, 900) as window:
            step.show(view)
            for _ in range(10):
                settle()
            found[name] = narrowest(step.widget)
            found[f"{name}_pixels"] = picture(window, f"{name}_at_{application.devicePixelRatio():g}").width()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
