"""What can end a segmentation."""


class SegmentationError(Exception):
    """A segmentation failed; the message is a sentence for the user."""


class SegmentationCancelled(SegmentationError):
    """The user ended the segmentation."""
