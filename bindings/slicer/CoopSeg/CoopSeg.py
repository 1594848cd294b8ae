"""The panel CoopSeg of 3D Slicer: segments a volume with a coopseg model and makes a segmentation node.

The work is done by the command-line module CoopSegSegment in a process of its own. Nothing is installed or fetched.
"""

import os
import time
from pathlib import Path

import ctk
import numpy as np
import qt
import slicer
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

from CoopSegLib.description import read_options
from CoopSegLib.errors import SegmentationCancelled, SegmentationError
from CoopSegLib.job import MOST_CHANNELS, SegmentationJob
from CoopSegLib.run import ChildProcess

POLL_MILLISECONDS = 100


class CoopSeg(ScriptedLoadableModule):
    """What Slicer lists in its module menu."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "CoopSeg"
        parent.categories = ["Segmentation"]
        parent.dependencies = []
        parent.contributors = ["The coopseg developers"]
        parent.helpText = (
            "Segments a volume with a model that was trained by coopseg: choose the volume and the model file, and "
            "press Segment. Models of several channels take further volumes on the same grid."
        )
        parent.acknowledgementText = (
            "The method: Chen et al., Cooperative Training and Latent Space Data Augmentation for Robust Medical Image "
            "Segmentation, MICCAI 2021."
        )


class SlicerHost:
    """What a segmentation needs of Slicer (see `CoopSegLib.job.Host`)."""

    def module_file(self):
        module = getattr(slicer.modules, "coopsegsegment", None)
        if module is None:
            raise SegmentationError(
                "the module CoopSegSegment is not loaded: add its folder to the additional module paths in Slicer's "
                "settings and start Slicer again"
            )
        return Path(module.path)

    def temporary_folder(self):
        return Path(slicer.app.temporaryPath)

    def export_volume(self, volume, file):
        # Unlike saving, exporting leaves the node's own file alone.
        slicer.util.exportNode(volume, str(file))
        if not file.exists():
            raise SegmentationError(f"the volume {volume.GetName()} cannot be written to {file}")

    def import_segmentation(self, file, volume):
        # A script may have closed the scene, or anybody deleted the volume.
        if not slicer.mrmlScene.IsNodePresent(volume):
            raise SegmentationError(
                f"the volume {volume.GetName()} is no longer in the scene, so its segmentation was discarded"
            )
        segmentation = slicer.util.loadSegmentation(str(file), {"name": f"{volume.GetName()} segmentation"})
        # The file is a temporary one: saving the scene must ask for another.
        slicer.mrmlScene.RemoveNode(segmentation.GetStorageNode())
        # A volume is exported without the transform that it is under, so its segmentation goes under the same.
        segmentation.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        segmentation.CreateDefaultDisplayNodes()
        return segmentation


class CoopSegLogic(ScriptedLoadableModuleLogic):
    """Segments volumes, for the panel and for scripts."""

    def __init__(self, host=None, launch=ChildProcess):
        ScriptedLoadableModuleLogic.__init__(self)
        self._host = host or SlicerHost()
        self._launch = launch

    def options(self):
        """The options that the command-line module has."""
        return read_options(self._host.module_file())

    def start(self, volumes, model, options=None):
        """Starts a segmentation of one volume per channel; see `CoopSegLib.job.SegmentationJob`."""
        return SegmentationJob(self._host, volumes, model, options, self._launch)

    def segment(self, volumes, model, options=None):
        """Segments, and meanwhile keeps Slicer alive. Returns the segmentation node and the results."""
        job = self.start(volumes, model, options)
        try:
            while not job.poll():
                slicer.app.processEvents()
                # Short, for Slicer to stay lively; the processor is the module's.
                time.sleep(0.02)
        except BaseException:
            job.abandon()
            raise
        return job.finish()


class CoopSegWidget(ScriptedLoadableModuleWidget):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self._job = None
        self._observer = None
        self._option_readers = {}

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = CoopSegLogic()
        self.timer = qt.QTimer()
        self.timer.setInterval(POLL_MILLISECONDS)
        self.timer.connect("timeout()", self._on_timer)

        form = self._add_section("Input", collapsed=False)
        self.volume_selectors = [self._volume_selector(optional=False)]
        form.addRow("Volume:", self.volume_selectors[0])
        self.model_selector = ctk.ctkPathLineEdit()
        self.model_selector.filters = ctk.ctkPathLineEdit.Files
        self.model_selector.nameFilters = ["coopseg models (*.coopseg)", "All files (*)"]
        # Models that were chosen before are offered again.
        self.model_selector.settingKey = "CoopSeg/Model"
        form.addRow("Model:", self.model_selector)

        self.options_form = self._add_section("Options", collapsed=True)
        form = self._add_section("More channels", collapsed=True)
        for channel in range(2, MOST_CHANNELS + 1):
            self.volume_selectors.append(self._volume_selector(optional=True))
            form.addRow(f"Channel {channel}:", self.volume_selectors[-1])

        self.segment_button = qt.QPushButton("Segment")
        self.segment_button.connect("clicked(bool)", lambda _checked: self.on_segment())
        self.cancel_button = qt.QPushButton("Cancel")
        self.cancel_button.connect("clicked(bool)", lambda _checked: self.on_cancel())
        self.progress_bar = qt.QProgressBar()
        self.progress_bar.setRange(0, 100)
        self.message = qt.QLabel()
        self.message.wordWrap = True
        for widget in (self.segment_button, self.progress_bar, self.cancel_button, self.message):
            self.layout.addWidget(widget)
        self.layout.addStretch(1)

        self._add_options()
        self._show_running(False)
        self._observer = slicer.mrmlScene.AddObserver(slicer.mrmlScene.StartCloseEvent, self._on_scene_close)

    def cleanup(self):
        if self._observer is not None:
            slicer.mrmlScene.RemoveObserver(self._observer)
        self._abandon()

    def on_segment(self):
        """Starts what the panel shows."""
        if self._job is not None:
            return
        volumes = [selector.currentNode() for selector in self.volume_selectors]
        while volumes[1:] and volumes[-1] is None:
            volumes.pop()
        options = {name: read() for name, read in self._option_readers.items()}
        try:
            self._job = self.logic.start(volumes, self.model_selector.currentPath, options)
        except SegmentationError as error:
            slicer.util.errorDisplay(str(error))
            return
        self.model_selector.addCurrentPathToHistory()
        self.message.text = ""
        self._show_running(True)
        self.timer.start()

    def on_cancel(self):
        """Asks the running segmentation to end."""
        if self._job is not None:
            self._job.cancel()
            self.message.text = "Cancelling …"

    def _on_scene_close(self, _scene, _event):
        """The result would land in the next scene."""
        if self._job is not None:
            self._abandon()
            self._show_running(False)
            self.message.text = "The scene was closed."

    def _abandon(self):
        self.timer.stop()
        job, self._job = self._job, None
        if job is not None:
            job.abandon()

    def _on_timer(self):
        ended = self._job.poll()
        self.progress_bar.setValue(round(100 * self._job.progress))
        if ended:
            self.timer.stop()
            job, self._job = self._job, None
            self._show_running(False)
            self._finish(job)

    def _finish(self, job):
        try:
            outcome = job.finish()
        except SegmentationCancelled:
            self.message.text = "Cancelled."
        except SegmentationError as error:
            self.message.text = ""
            slicer.util.errorDisplay(str(error))
        else:
            results = outcome.results
            volumes = "\n".join(f"{name}: {volume:.1f} ml" for name, volume in results.volumes.items())
            self.message.text = f"{results.slices} slices in {results.seconds:.1f} s\n{volumes}"

    def _add_options(self):
        try:
            options = self.logic.options()
        except SegmentationError as error:
            self.message.text = str(error)
            return
        for option in options:
            if option.choices:
                widget = qt.QComboBox()
                widget.addItems(list(option.choices))
                widget.setCurrentText(option.default)
                self._option_readers[option.name] = lambda widget=widget: widget.currentText
            else:
                widget = qt.QSpinBox()
                widget.setRange(option.minimum, option.maximum)
                widget.setValue(int(option.default))
                self._option_readers[option.name] = lambda widget=widget: str(widget.value)
            widget.toolTip = option.description
            self.options_form.addRow(f"{option.label}:", widget)

    def _add_section(self, title, collapsed):
        section = ctk.ctkCollapsibleButton()
        section.text = title
        section.collapsed = collapsed
        self.layout.addWidget(section)
        return qt.QFormLayout(section)

    def _volume_selector(self, optional):
        selector = slicer.qMRMLNodeComboBox()
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        selector.addEnabled = False
        selector.removeEnabled = False
        selector.noneEnabled = optional
        selector.setMRMLScene(slicer.mrmlScene)
        if optional:
            selector.setCurrentNode(None)
        return selector

    def _show_running(self, running):
        self.segment_button.enabled = not running
        self.cancel_button.enabled = running
        self.progress_bar.visible = running
        self.progress_bar.setValue(0)


class CoopSegTest(ScriptedLoadableModuleTest):
    """Runs in Slicer. COOPSEG_TEST_MODEL names a model of one channel to segment with."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        for test in (self.test_a_missing_model_is_refused, self.test_segmentation):
            self.setUp()
            test()

    def test_a_missing_model_is_refused(self):
        try:
            CoopSegLogic().segment([self._volume()], "/nowhere/model.coopseg")
        except SegmentationError as error:
            self.assertIn("/nowhere/model.coopseg", str(error))
        else:
            self.fail("a missing model was accepted")

    def test_segmentation(self):
        model = os.environ.get("COOPSEG_TEST_MODEL")
        self.assertTrue(model, "set COOPSEG_TEST_MODEL to a model file")
        volume = self._volume()
        outcome = CoopSegLogic().segment([volume], model, {"device": "cpu"})
        self.assertEqual(outcome.results.slices, 4)
        self.assertGreater(len(outcome.results.volumes), 0)
        segmentation = outcome.segmentation.GetSegmentation()
        names = [segmentation.GetNthSegment(index).GetName() for index in range(segmentation.GetNumberOfSegments())]
        self.assertEqual(names, list(outcome.results.volumes))
        self.assertEqual(outcome.segmentation.GetTransformNodeID(), volume.GetTransformNodeID())

    def _volume(self):
        """A disc on a ramp."""
        z, y, x = np.mgrid[:4, :64, :72]
        voxels = (x + 2 * y + z + 100 * ((x - 36) ** 2 + (y - 32) ** 2 < 200)).astype(np.int16)
        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "disc")
        slicer.util.updateVolumeFromArray(volume, voxels)
        volume.SetSpacing(1.5, 1.5, 8.0)
        return volume
