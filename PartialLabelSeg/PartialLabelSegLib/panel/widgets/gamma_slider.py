"""How much of what is suggested to accept: "Accept the most confident 65 %", live, with what that comes to."""

from __future__ import annotations

from collections.abc import Callable

import qt

from .. import words
from ..qt_subset import Quiet, get, label, paragraph
from ..view_models_decide import AtGamma, Color
from .fitting import millilitres, percent, whole
from .legend import ColorBar

TIP = (
    "Voxels are ordered by how sure the program is. Only the surest share is shown and accepted.\n"
    "Further right accepts more, and more that may be wrong. Keys: + and -"
)

PRECISION_TIP = (
    "How much of it is expected to be this structure: measured at the same share\n"
    "on labels that were set aside and never learned from. Not known where there are none."
)

HANDLE = 6
"""Half the width of a slider's handle, in pixels: the bar begins and ends where its middle can be."""


class GammaSlider:
    """`moved(gamma)` is called at every step, at once; `settled()` once after the steps that came together, for what is slower."""

    def __init__(self, moved: Callable[[float], object], settled: Callable[[], object]) -> None:
        self._moved = moved
        self._later = qt.QTimer()
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(lambda: settled())
        self.slider = self._slider()
        self._colors: tuple[Color, ...] = ()
        self._bar = ColorBar("gamma_bar", 8)
        self._bar.setToolTip("The colours over the scan: surest on the left. Hatched: not accepted and not shown.")
        self._title = label("", "gamma_title", TIP)
        self._counts = [paragraph("", f"gamma_{what}") for what in ("volume", "parts", "voxels", "precision")]
        self._counts[-1].setToolTip(PRECISION_TIP)
        self.widget = self._laid_out()

    def _slider(self) -> qt.QSlider:
        slider = qt.QSlider(qt.Qt.Horizontal)
        slider.setObjectName("gamma_slider")
        slider.setToolTip(TIP)
        slider.setAccessibleName("Accept the most confident share, in percent")
        slider.setRange(0, 100)
        slider.setSingleStep(1)
        slider.setPageStep(5)
        slider.valueChanged.connect(self._slid)
        return slider

    def _laid_out(self) -> qt.QWidget:
        whole_widget = qt.QWidget()
        grid = qt.QGridLayout(whole_widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self._title, 0, 0)
        grid.addWidget(self.slider, 1, 0)
        under = qt.QHBoxLayout()
        under.setContentsMargins(HANDLE, 0, HANDLE, 0)
        under.addWidget(self._bar)
        grid.addLayout(under, 2, 0)
        # Four short texts in fixed places: a longer line would wrap and move the slider away from under the mouse.
        counts = qt.QGridLayout()
        for place, part in enumerate(self._counts):
            counts.addWidget(part, place // 2, place % 2)
        counts.setColumnStretch(0, 5)
        counts.setColumnStretch(1, 3)
        grid.addLayout(counts, 3, 0)
        return whole_widget

    def gamma(self) -> float:
        """The share that it stands on, in 0..1."""
        return int(get(self.slider, "value")) / 100

    def show(self, gamma: float, at_gamma: AtGamma, colors: tuple[Color, ...] = ()) -> None:
        """colors: those of confidence over the scan, lowest first."""
        self._colors = tuple(reversed(colors))
        self._bar.setVisible(bool(colors))
        with Quiet(self.slider):
            self.slider.setValue(round(100 * gamma))
        self._show_share()
        self.show_counts(at_gamma)

    def show_counts(self, at_gamma: AtGamma) -> None:
        """What is accepted at this gamma."""
        for part, text in zip(self._counts, (*counts_in_words(at_gamma), precision_in_words(at_gamma))):
            part.setText(text)

    def step(self, by: int) -> None:
        """Moves by percent, as if the user had; not while it is hidden."""
        if get(self.slider, "visible"):
            self.slider.setValue(int(get(self.slider, "value")) + by)

    def _show_share(self) -> None:
        self._title.setText(f"Accept the most confident {percent(self.gamma())}")
        self._bar.show_colors(self._colors, 0.0, self.gamma())

    def _slid(self, value: object = None) -> None:
        self._show_share()
        self._moved(self.gamma())
        self._later.start()


def counts_in_words(at_gamma: AtGamma) -> tuple[str, str, str]:
    """'268 of 412 mL', '3 parts', '153 400 of 236 000 voxels'."""
    if not at_gamma.all_voxels:
        return "Nothing is suggested here.", "", ""
    volume = f"{millilitres(at_gamma.ml)} of {words.volume(at_gamma.all_ml)}"
    voxels = f"{whole(at_gamma.voxels)} of {whole(at_gamma.all_voxels)} voxels"
    return volume, words.counted(at_gamma.parts, "part"), voxels


def precision_in_words(at_gamma: AtGamma) -> str:
    """What is known of how much of it is right."""
    if not at_gamma.all_voxels:
        return ""
    if at_gamma.precision is None or not at_gamma.voxels:
        return "right: not known"
    return f"right: about {percent(at_gamma.precision)}"
