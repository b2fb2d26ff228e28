#!/usr/bin/python3
"""All figures of a results file."""
import argparse

import plot_couplings
import plot_fig3
import plot_phase
import plot_thermodynamics
import plot_training
import results as r

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", help="results file written by nnsm run or nnsm scan")
    parser.add_argument("-o", "--output", help="directory of the figures (default: beside the results file)")
    arguments = parser.parse_args()
    for module, suffix in ((plot_fig3, "fig3"), (plot_thermodynamics, "thermodynamics"), (plot_phase, "phase")):
        r.save(module.draw, suffix, arguments.results, arguments.output)
    with r.open_results(arguments.results) as results:
        trained, read = "training" in results, "couplings" in results
    if read:
        r.save(plot_couplings.draw, "couplings", arguments.results, arguments.output)
    if trained:
        r.save(plot_training.draw, "training", arguments.results, arguments.output)
