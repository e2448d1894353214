"""The Slicer panel: what a clinician sees and clicks. Never imports torch; the worker is another process."""
