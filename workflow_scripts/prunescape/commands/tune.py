"""`prunescape tune --replay`: search strategies compared on finished trainings, without a training."""

import argparse
import sys
from pathlib import Path

from prunescape.analysis.search.terms import GROWTHS, LOSSES, SCORES, STRATEGIES, TPE_SEARCHES, SearchTerms
from prunescape.commands.arguments import folder, number, whole_number


def add_tune(command: argparse.ArgumentParser) -> None:
    """`prunescape tune --replay results/STUDY`, and what the searches are like."""
    default = SearchTerms()
    command.description = (
        "Compare search strategies on the finished trainings of a study: what each would have chosen by one seed, how "
        "good that is by the other seeds, and how many epochs it would have taken. Nothing is trained."
    )
    replay = "the folder of a study whose settings have two seeds or more: results/STUDY"
    command.add_argument("--replay", type=Path, required=True, metavar="RESULTS", help=replay)
    command.add_argument(
        "--out", type=folder, metavar="DIR", help="folder for tables and figures (default: print only)"
    )
    of = "column of curves.parquet that regret is in (default: %(default)s)"
    command.add_argument("--of", choices=SCORES, default=default.of, metavar="COLUMN", help=of)
    rank = f"column that searches choose by (default: that of --of): {', '.join((*SCORES, *LOSSES))}"
    command.add_argument("--rank-by", choices=(*SCORES, *LOSSES), metavar="COLUMN", help=rank)
    names = f"which to replay (default: all): {', '.join(STRATEGIES)}"
    command.add_argument("--strategies", nargs="+", metavar="NAME", help=names)
    trials = "settings that a search of random, halving and tpe draws (default: 4, 8, 16, ... as far as they go)"
    command.add_argument("--trials", type=whole_number, nargs="+", default=[], metavar="N", help=trials)
    eta = "a rung keeps one of so many settings (default: %(default)s)"
    command.add_argument("--eta", type=number, default=default.eta, help=eta)
    first = "epochs of the first rung (default: %(default)s)"
    command.add_argument("--min-epochs", type=int, default=default.min_epochs, metavar="N", help=first)
    growth = "how the epochs of halving's rungs grow: linear or doubling (default: %(default)s)"
    command.add_argument("--growth", choices=GROWTHS, default=default.growth, help=growth)
    brackets = "brackets of hyperband, those with most rungs first (default: all)"
    command.add_argument("--brackets", type=whole_number, metavar="N", help=brackets)
    searches = "searches of each strategy (default: %(default)s)"
    command.add_argument("--searches", type=whole_number, default=default.searches, metavar="N", help=searches)
    few = f"searches of tpe, whose trials take milliseconds (default: {TPE_SEARCHES}, fewer where they are long)"
    command.add_argument("--tpe-searches", type=whole_number, metavar="N", help=few)
    command.add_argument("--seed", type=int, default=default.seed, help="decides all draws (default: %(default)s)")
    margin = "regret up to which a search has found the best, points (default: %(default)s)"
    command.add_argument("--margin", type=number, default=default.margin, metavar="POINTS", help=margin)
    command.set_defaults(run=run_tune)


def run_tune(options: argparse.Namespace) -> None:
    """Print what each strategy reached and cost; write the tables and figures where a folder is given."""
    from prunescape.analysis.analyse import write_results
    from prunescape.analysis.results import SEARCH, Analysis, result_names
    from prunescape.analysis.search.histories import read_histories
    from prunescape.present.search_words import replay_lines

    terms = search_terms(options)
    terms.check()
    histories, notes = read_histories(options.replay, terms)
    for note in notes:
        print(f"note: {options.replay}: {note}", file=sys.stderr)
    analysis = Analysis.of_searches(histories, terms)
    print("\n".join(replay_lines(analysis["replay"], analysis["rungs"])))
    if options.out:
        from prunescape.present.figures.folder import LINKED, write_figures
        from prunescape.present.figures.search import search_figures

        names = result_names(SEARCH)
        write_results([analysis], names, options.out)
        write_figures([(figure, LINKED) for figure in search_figures(analysis["replay"])], options.out / "figures")
        print(f"written to {options.out}: figures/, and as .parquet and .csv {', '.join(names)}")


def search_terms(options: argparse.Namespace) -> SearchTerms:
    """What the command line asks for; without a choice tpe is left out where optuna is not installed."""
    from prunescape.analysis.search.tpe import available_strategies

    same = ("of", "eta", "min_epochs", "growth", "brackets", "searches", "tpe_searches", "seed", "margin")
    strategies = tuple(dict.fromkeys(options.strategies)) if options.strategies else available_strategies()
    return SearchTerms(
        strategies=strategies,
        trials=tuple(options.trials),
        rank_by=options.rank_by or options.of,
        **{name: getattr(options, name) for name in same},
    )
