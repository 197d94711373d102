"""A task without images trains alone and together: training knows nothing but tasks/contract.py."""

import copy
from types import SimpleNamespace

import torch
from torch import nn

from prunescape.tasks.classification import Classification
from prunescape.tasks.contract import Splits
from prunescape.training.loop import start_training
from prunescape.training.together import train_together
from support.trainings import CPU, recipe_with

WORDS, LENGTH = 20, 5


class Sentences:
    """Rows of word numbers (n, length); the class is whether the first word is of the upper half."""

    def __init__(self, count: int) -> None:
        self.words = torch.randint(0, WORDS, (count, LENGTH), generator=torch.Generator().manual_seed(count))
        self.labels = (self.words[:, 0] >= WORDS // 2).long()

    def __len__(self) -> int:
        return len(self.labels)

    def drawn_from(self, generator: torch.Generator) -> "Sentences":
        other = copy.copy(self)
        other.generator = generator
        return other

    def shuffled(self, batch_size: int, skip: int = 0):
        order = torch.randperm(len(self), generator=self.generator)
        for chosen in order.split(batch_size)[skip:]:
            yield self.words[chosen], self.labels[chosen]

    def in_order(self, batch_size: int):
        return zip(self.words.split(batch_size), self.labels.split(batch_size), strict=True)


class Text(Classification):
    """Word numbers go into a network as they are; losses and scores are those of any classification."""

    stack_dim = 1

    def __init__(self) -> None:
        self.device, self.data = CPU, SimpleNamespace(classes=2)

    def open_splits(self, recipe, generator) -> Splits:
        return Splits(Sentences(90).drawn_from(generator), Sentences(40), None)

    def inputs(self, examples: torch.Tensor) -> torch.Tensor:
        return examples


def trainings() -> list:
    made = []
    for seed in range(3):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Embedding(WORDS, 8), nn.Flatten(), nn.Linear(8 * LENGTH, 2))
        made.append(start_training(network, Text(), recipe_with(0.3, 1e-4, epochs=8, batch_size=16), seed=seed))
    return made


def test_a_text_task_trains_alone_and_together():
    together, alone = trainings(), trainings()
    train_together(together)
    for training, single in zip(together, alone, strict=True):
        train_together([single])
        assert single.outcome.test.correct.float().mean() > 0.9
        for mine, other in zip(training.network.parameters(), single.network.parameters(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)
