"""In words what a run does in each iteration, read from its spec: the paper's two moves, and
whatever this one does beside them."""

import html
from dataclasses import dataclass

from abp_core.spec import TrainingSpec

OWN = " <em>Not in the paper.</em>"
PRIORS = {
    "normal": "New ones come from <code>z ~ N(0, I)</code>, as in the paper.",
    "exemplar": "New ones come from patches of the code that was inferred, each the nearest to "
    "what is there already." + OWN,
    "windows": "New films are put together of stretches of the codes that were inferred, each a "
    "likely way on from what is there already." + OWN,
    "linear": "New films go on by a matrix fitted to the codes that were inferred: each frame's is "
    "that times the one before, and noise, as in the paper.",
    "transition": "New films are driven by new noise through the second network, which was learnt "
    "with the noise that was inferred.",
    "flow": "New ones come from a flow that has learnt how the inferred codes are spread." + OWN,
}


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that a run does. sentence: markup. paper: whether the paper does it, too."""

    title: str
    sentence: str
    paper: bool = True


def list_moves(spec: TrainingSpec) -> list[Move]:
    """What a run of this spec does, in the order of an iteration; then where new ones come from."""
    moves = [_beginning(spec), _inference(spec), _learning(spec)]
    if spec.sample_loss_rate:
        moves.append(
            Move(
                "Learning from samples",
                "Samples of the prior take a step of their own, towards having the patches that "
                f"examples have; rate {spec.sample_loss_rate:g}.",
                paper=False,
            )
        )
    if spec.standardised:
        moves.append(
            Move(
                "Whitening",
                "The codes of all examples are led back to mean 0 and covariance I, and the first "
                "layer takes up the change, so that f(z) stays.",
                paper=False,
            )
        )
    return moves


def render_method(spec: TrainingSpec, name: str) -> str:
    """Markup of all that, and of where new ones come from. name: whose spec it is."""
    items = "".join(
        f"<li><b>{move.title}.</b> {move.sentence}{'' if move.paper else OWN}</li>"
        for move in list_moves(spec)
    )
    return (
        f'<div class="abp-formula abp-method"><p>What <b>{html.escape(name)}</b> does in each '
        f"iteration:</p><ol>{items}</ol><p>{PRIORS[spec.prior]}</p></div>"
    )


def _beginning(spec: TrainingSpec) -> Move:
    if spec.components:
        sentence = "Codes begin where principal components put their examples."
        return Move("Beginning, once", sentence, paper=False)
    return Move("Beginning, once", "Codes begin as noise, <code>z ~ N(0, I)</code>.")


def _inference(spec: TrainingSpec) -> Move:
    walk = spec.langevin
    steps = "1 Langevin step" if walk.steps == 1 else f"{walk.steps} Langevin steps"
    if spec.window:
        who = (
            f"{spec.batch_size} windows of the one large code, {spec.window} places wide, take "
            f"{steps}"
        )
    elif spec.batch_size >= spec.examples:
        who = f"The codes of all examples take {steps}"
    else:
        who = f"The codes of {spec.batch_size} examples take {steps}"
    how = f" with <code>s = {walk.step_size:g}</code>"
    if walk.preconditioned:
        how += ", in a metric that makes the posterior about as wide in every direction"
    if walk.acceptance:
        how += f"; s is shortened until {100 * walk.acceptance:.0f} % of moves would be accepted"
    if walk.temperature == 0:
        how += "; without noise"
    elif walk.temperature != 1:
        how += f"; at temperature {walk.temperature:g}"
    usual = not (spec.window or walk.preconditioned or walk.acceptance or walk.temperature != 1)
    return Move("Inference", f"{who}{how}.", paper=usual)


def _learning(spec: TrainingSpec) -> Move:
    sentence = (
        f"One step of Adam on the weights, with rate {spec.learning_rate:g} and "
        f"<code>sigma = {spec.sigma:g}</code>, on the misfit of the same examples"
    )
    if spec.halved_after:
        sentence += f"; rates stand at half after {spec.halved_after:,} iterations"
    return Move("Learning", f"{sentence}.")
