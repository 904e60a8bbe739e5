"""What the tabs ask for: settings in, pictures and sentences out. The only door to the engine."""

from demo.workbench.bench import EXAMPLES, Workbench
from demo.workbench.cards import Card, label_of
from demo.workbench.cores import one_thread
from demo.workbench.models import Model, ModelCard
from demo.workbench.refusals import Rejected, refusing
from demo.workbench.repairs import Repaired, takings
from demo.workbench.run import CAPTIONS, Live, Panel
from demo.workbench.settings import STYLES, Settings, about, preset_for, settings_from
from demo.workbench.synthesise import Made, Making
from demo.workbench.wishes import SOURCES, TILES, Offer

__all__ = [
    "CAPTIONS",
    "EXAMPLES",
    "SOURCES",
    "STYLES",
    "TILES",
    "Card",
    "Live",
    "Made",
    "Making",
    "Model",
    "ModelCard",
    "Offer",
    "Panel",
    "Rejected",
    "Repaired",
    "Settings",
    "Workbench",
    "about",
    "label_of",
    "one_thread",
    "preset_for",
    "refusing",
    "settings_from",
    "takings",
]
