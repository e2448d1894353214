"""What there is to choose from: the scene's scans, what is drawn in it, and the rating that belongs to a choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..application import nodes_of_class
from ..desk import Desk
from ..our_nodes import BINARY
from ..pairs import guess_pairs, scans_of, segmentations_of, unique_names
from ..segments import drawn
from ..view_models_decide import Choice
from .rating import Drawing, Rater, Rating, Study

_BETWEEN = "|"


def scan_choices(scene: Any) -> tuple[Choice, ...]:
    """The scans of the scene, by node id."""
    return tuple(Choice(node.GetID(), node.GetName() or node.GetID()) for node in scans_of(scene))


class DrawingList:
    """What is drawn in the scene, looked through again only after something was drawn, renamed, added or taken away."""

    def __init__(self) -> None:
        self._stamp: tuple[object, ...] | None = None
        self._choices: tuple[Choice, ...] = ()

    def choices(self, scene: Any) -> tuple[Choice, ...]:
        """The segments that are not empty, of all segmentations, and the label maps; by `key_of`."""
        stamp = tuple(_stamps(scene))
        if stamp != self._stamp:
            self._stamp, self._choices = stamp, drawing_choices(scene)
        return self._choices


def _stamps(scene: Any) -> Iterator[object]:
    for node in segmentations_of(scene):
        segmentation = node.GetSegmentation()
        yield node.GetID(), node.GetName()
        for place in range(segmentation.GetNumberOfSegments()):
            segment = segmentation.GetNthSegment(place)
            image = segment.GetRepresentation(BINARY) or segment
            yield segmentation.GetNthSegmentID(place), segment.GetName(), int(image.GetMTime())
    for node in nodes_of_class(scene, "vtkMRMLLabelMapVolumeNode"):
        yield node.GetID(), node.GetName(), bool(node.GetHideFromEditors())


def drawing_choices(scene: Any) -> tuple[Choice, ...]:
    """The segments that are not empty, of all segmentations, and the label maps; by `drawing_key`."""
    found = []
    nodes = segmentations_of(scene)
    for node in nodes:
        of = f" ({node.GetName()})" if len(nodes) > 1 else ""
        for segment in drawn(node.GetSegmentation()):
            if not segment.empty:
                found.append(Choice(key_of(Drawing(node.GetID(), segment.id)), f"{segment.name}{of}"))
    for node in nodes_of_class(scene, "vtkMRMLLabelMapVolumeNode"):
        if not node.GetHideFromEditors():
            found.append(Choice(key_of(Drawing(node.GetID())), f"{node.GetName()} (label map)"))
    return tuple(found)


def key_of(drawing: Drawing | None) -> str:
    return f"{drawing.node}{_BETWEEN}{drawing.segment}" if drawing is not None else ""


def node_and_segment(key: str) -> tuple[str, str]:
    node, _, segment = key.partition(_BETWEEN)
    return node, segment


def first_volume(desk: Desk) -> Any:
    """The scan to begin with: that of the panel, else the one in the views, else the first; None without any."""
    scans = scans_of(desk.scene)
    ids = [node.GetID() for node in scans]
    of_panel = desk.state.scan_named(desk.state.scan)
    in_views = [view.GetBackgroundVolumeID() for view in nodes_of_class(desk.scene, "vtkMRMLSliceCompositeNode")]
    wanted = [of_panel.volume if of_panel is not None else "", *in_views, *ids[:1]]
    return next((scans[ids.index(key)] for key in wanted if key in ids), None)


def rating_for(desk: Desk, study: Study, volume: Any, bone: Drawing | None = None) -> Rating:
    """The rating of a scan (and bone, where one is given) in the study; a new one with the same raters where there is none."""
    of_scan = [rating for rating in study.ratings if rating.volume == volume.GetID()]
    for rating in of_scan:
        if bone is None or (rating.bone is not None and key_of(rating.bone) == key_of(bone)):
            return rating
    raters = tuple(Rater(name) for name in _ticking(study))
    shown = study.rating
    turn = shown.rater if shown is not None and shown.rater in [rater.name for rater in raters] else ""
    return Rating(volume.GetID(), case_name(desk, study, volume), bone, None, raters, turn)


def _ticking(study: Study) -> list[str]:
    """Those who tick in some scan; masks are of one scan only."""
    found = [rater.name for rating in study.ratings for rater in rating.raters if rater.mask is None]
    return list(dict.fromkeys(found))


def case_name(desk: Desk, study: Study, volume: Any) -> str:
    """A name for the scan that no other scan of the study has: that in the panel's list, else the node's."""
    for rating in study.ratings:
        if rating.volume == volume.GetID():
            return rating.name
    listed = next((scan.name for scan in desk.state.scans if scan.volume == volume.GetID()), "")
    others = [rating.name for rating in study.ratings]
    return unique_names([listed or volume.GetName() or ""], others)[0]


def likely_bone(desk: Desk, volume: Any) -> Drawing | None:
    """The only segment that is drawn on a scan; None where there is none, or a choice."""
    listed = next((scan for scan in desk.state.scans if scan.volume == volume.GetID()), None)
    nodes = segmentations_of(desk.scene)
    if listed is not None and listed.segmentation:
        nodes = [node for node in nodes if node.GetID() == listed.segmentation]
    segments = [(node, item) for node in nodes for item in drawn(node.GetSegmentation()) if not item.empty]
    if len(segments) != 1:
        return None
    node, item = segments[0]
    return Drawing(node.GetID(), item.id, item.name)


def with_nodes_by_name(study: Study, scene: Any) -> Study:
    """A study of a file with the nodes of this scene: scans by their names, then bones and masks by those of their segments."""
    scans = {node.GetName(): node.GetID() for node in reversed(scans_of(scene))}
    ratings = []
    for rating in study.ratings:
        node = scene.GetNodeByID(rating.volume)
        same = node is not None and rating.name in (node.GetName(), "")
        volume = rating.volume if same else scans.get(rating.name, rating.volume)
        found = _Segments(scene, volume)
        raters = tuple(replace(rater, mask=found.like(rater.mask)) for rater in rating.raters)
        ratings.append(replace(rating, volume=volume, bone=found.like(rating.bone), raters=raters))
    shown = next((ratings[n].key for n, rating in enumerate(study.ratings) if rating.key == study.shown), None)
    return replace(study, ratings=tuple(ratings), shown=shown)


class _Segments:
    """What is drawn in the scene, by name; first what belongs to the scan."""

    def __init__(self, scene: Any, volume: str) -> None:
        own = [pair.segmentation for pair in guess_pairs(scene).pairs if pair.volume.GetID() == volume]
        nodes = [*own, *segmentations_of(scene)]
        self._by_name = {
            item.name: Drawing(node.GetID(), item.id, item.name)
            for node in reversed([node for node in nodes if node is not None])
            for item in drawn(node.GetSegmentation())
        }
        self._by_name.update(
            (node.GetName(), Drawing(node.GetID(), "", node.GetName()))
            for node in nodes_of_class(scene, "vtkMRMLLabelMapVolumeNode")
            if node.GetName() not in self._by_name
        )

    def like(self, drawing: Drawing | None) -> Drawing | None:
        """The drawing of that name; itself where there is none."""
        return None if drawing is None else self._by_name.get(drawing.name, drawing)
