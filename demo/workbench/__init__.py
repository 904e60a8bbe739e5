"""What the tabs ask for: settings in, pictures and sentences out. The only door to the engine."""

from demo.workbench.cards import Card, label_of
from demo.workbench.errors import Rejected, translate_errors
from demo.workbench.models import Model, ModelCard
from demo.workbench.repair_service import RepairResult, list_degradations
from demo.workbench.run import CAPTIONS, Live, Panel
from demo.workbench.settings import STYLES, Settings, describe_preset, preset_for, settings_from
from demo.workbench.studio import PACK, Workbench
from demo.workbench.synthesis import Progress, Result
from demo.workbench.synthesis_form import SOURCES, TILES, Offer
from demo.workbench.threads import one_thread

__all__ = [
    "CAPTIONS",
    "PACK",
    "SOURCES",
    "STYLES",
    "TILES",
    "Card",
    "Live",
    "Model",
    "ModelCard",
    "Offer",
    "Panel",
    "Progress",
    "Rejected",
    "RepairResult",
    "Result",
    "Settings",
    "Workbench",
    "describe_preset",
    "label_of",
    "list_degradations",
    "one_thread",
    "preset_for",
    "settings_from",
    "translate_errors",
]
