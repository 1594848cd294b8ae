"""As much of Slicer's Python as the scripted module uses: its widgets, its base classes, its scene and its files."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicerio
from volumes import Volume, read_nrrd


class Widget:
    """Any widget: attributes are properties, signals are connected by name."""

    Files = 1

    def __init__(self, *arguments: Any) -> None:
        self.text = str(arguments[0]) if arguments and isinstance(arguments[0], str) else ""
        self.enabled = self.visible = True
        self.rows: list[tuple[str, Widget]] = []
        self.children: list[Widget] = []
        self.history: list[str] = []
        self.items: list[str] = []
        self.currentPath = ""
        self.value = 0
        self.range = (0, 99)
        self._signals: dict[str, Callable[..., None]] = {}
        self._node: Any = None
        self._active = False

    def connect(self, signal: str, slot: Callable[..., None]) -> None:
        self._signals[signal] = slot

    def emit(self, signal: str, *arguments: Any) -> None:
        self._signals[signal](*arguments)

    def click(self) -> None:
        if self.enabled:
            self.emit("clicked(bool)", False)

    def addWidget(self, widget: Widget) -> None:
        self.children.append(widget)

    def addRow(self, label: str, widget: Widget) -> None:
        self.rows.append((label, widget))

    def addStretch(self, _factor: int) -> None:
        pass

    def addItems(self, items: list[str]) -> None:
        self.items += items
        self.currentText = items[0]

    def setCurrentText(self, text: str) -> None:
        assert text in self.items
        self.currentText = text

    def setRange(self, minimum: int, maximum: int) -> None:
        self.range = (minimum, maximum)

    def setValue(self, value: int) -> None:
        assert self.range[0] <= value <= self.range[1]
        self.value = value

    def addCurrentPathToHistory(self) -> None:
        self.history.append(self.currentPath)

    def setMRMLScene(self, scene: Any) -> None:
        self.scene = scene

    def setCurrentNode(self, node: Any) -> None:
        self._node = node

    def currentNode(self) -> Any:
        return self._node

    def setInterval(self, milliseconds: int) -> None:
        assert milliseconds > 0

    def start(self) -> None:
        self._active = True

    def stop(self) -> None:
        self._active = False

    @property
    def active(self) -> bool:
        return self._active

    def fire(self) -> None:
        """A timer's interval has passed."""
        if self._active:
            self.emit("timeout()")


class Node:
    """A node of the scene; a volume has voxels [z, y, x]."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.voxels: Any = None
        self.affine = np.eye(4)
        self.transform: str | None = None
        self.storage: Node | None = None
        self.reference: Node | None = None
        self.displayed = False
        self.segments: list[dict[str, Any]] = []

    def GetName(self) -> str:
        return self.name

    def SetSpacing(self, *spacing: float) -> None:
        self.affine = np.diag([*spacing, 1.0])

    def GetTransformNodeID(self) -> str | None:
        return self.transform

    def SetAndObserveTransformNodeID(self, transform: str | None) -> None:
        self.transform = transform

    def GetStorageNode(self) -> Node | None:
        return self.storage

    def SetReferenceImageGeometryParameterFromVolumeNode(self, volume: Node) -> None:
        self.reference = volume

    def CreateDefaultDisplayNodes(self) -> None:
        self.displayed = True

    def GetSegmentation(self) -> Node:
        return self

    def GetNumberOfSegments(self) -> int:
        return len(self.segments)

    def GetNthSegment(self, index: int) -> Node:
        return Node(self.segments[index]["name"])


class Scene:
    StartCloseEvent = 66

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.observers: dict[int, Callable[[Scene, str], None]] = {}

    def AddObserver(self, event: int, observer: Callable[[Scene, str], None]) -> int:
        assert event == self.StartCloseEvent
        self.observers[len(self.observers) + 1] = observer
        return len(self.observers)

    def RemoveObserver(self, tag: int) -> None:
        self.observers.pop(tag, None)

    def Clear(self) -> None:
        for observer in list(self.observers.values()):
            observer(self, "UserEvent")
        self.nodes.clear()

    def IsNodePresent(self, node: Node) -> int:
        return int(node in self.nodes)

    def AddNewNodeByClass(self, kind: str, name: str) -> Node:
        assert kind == "vtkMRMLScalarVolumeNode"
        node = Node(name)
        self.nodes.append(node)
        return node

    def RemoveNode(self, node: Node) -> None:
        self.nodes.remove(node)
        for owner in self.nodes:
            if owner.storage is node:
                owner.storage = None


class ModuleWidget:
    def __init__(self, parent: Any = None) -> None:
        self.parent = parent
        self.layout = Widget()

    def setup(self) -> None:
        pass


class ModuleTest:
    def assertEqual(self, first: object, second: object) -> None:
        assert first == second

    def assertGreater(self, first: Any, second: Any) -> None:
        assert first > second

    def assertIn(self, part: str, whole: str) -> None:
        assert part in whole

    def assertTrue(self, value: object, message: str) -> None:
        assert value, message

    def fail(self, message: str) -> None:
        raise AssertionError(message)


def make_modules(executable: Path | None, temporary: Path) -> dict[str, types.ModuleType]:
    """What `import` finds, by name. Messages to the user are kept in `slicer.messages`."""
    scene = Scene()

    def export_node(node: Node, file: str) -> None:
        Volume(np.asarray(node.voxels).T, node.affine).write_nrrd(Path(file))

    def load_segmentation(file: str, properties: dict[str, str]) -> Node:
        node = Node(properties["name"])
        node.segments = slicerio.read_segmentation(file)["segments"]
        read = read_nrrd(Path(file))
        node.voxels, node.affine = read.voxels.T, read.affine
        node.storage = Node("storage")
        scene.nodes += [node, node.storage]
        return node

    def update_volume(node: Node, voxels: Any) -> None:
        node.voxels = voxels

    qt, ctk, slicer = (types.ModuleType(name) for name in ("qt", "ctk", "slicer"))
    for name in ("QTimer", "QPushButton", "QProgressBar", "QLabel", "QComboBox", "QSpinBox", "QFormLayout"):
        setattr(qt, name, type(name, (Widget,), {}))
    for name in ("ctkPathLineEdit", "ctkCollapsibleButton"):
        setattr(ctk, name, type(name, (Widget,), {}))
    base = types.ModuleType("slicer.ScriptedLoadableModule")
    vars(base).update(
        ScriptedLoadableModule=type("ScriptedLoadableModule", (), {"__init__": lambda self, parent: None}),
        ScriptedLoadableModuleLogic=type("ScriptedLoadableModuleLogic", (), {}),
        ScriptedLoadableModuleTest=ModuleTest,
        ScriptedLoadableModuleWidget=ModuleWidget,
    )
    messages: list[str] = []
    vars(slicer).update(
        ScriptedLoadableModule=base,
        app=types.SimpleNamespace(temporaryPath=str(temporary), processEvents=lambda: None),
        messages=messages,
        modules=types.SimpleNamespace(),
        mrmlScene=scene,
        qMRMLNodeComboBox=type("qMRMLNodeComboBox", (Widget,), {}),
        util=types.SimpleNamespace(
            errorDisplay=messages.append,
            exportNode=export_node,
            getNode=lambda name: next(node for node in scene.nodes if node.name == name),
            loadSegmentation=load_segmentation,
            updateVolumeFromArray=update_volume,
        ),
    )
    if executable is not None:
        vars(slicer)["modules"].coopsegsegment = types.SimpleNamespace(path=str(executable))
    return {"qt": qt, "ctk": ctk, "slicer": slicer, "slicer.ScriptedLoadableModule": base}
