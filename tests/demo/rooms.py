"""The whole studio without its page: for tests of what is behind."""

from demo.compare.service import Comparisons
from demo.disk import Disk
from demo.explore.service import Exploration
from demo.infer.service import Inference
from demo.repair.service import Repairs
from demo.studio import Studio
from demo.synthesise.service import Synthesis
from demo.train.service import Training


class Rooms:
    """The studio and the services of its tabs."""

    def __init__(self, disk: Disk) -> None:
        self.studio = Studio(disk)
        self.runs = self.studio.runs
        self.training = Training(self.studio)
        self.exploration = Exploration(self.studio)
        self.synthesis = Synthesis(self.studio)
        self.inference = Inference(self.studio)
        self.repairs = Repairs(self.studio)
        self.comparisons = Comparisons(self.studio)

    def close(self) -> None:
        self.studio.close()
