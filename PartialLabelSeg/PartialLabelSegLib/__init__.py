"""From partially labelled scans to completed segmentations: the library behind the command line and the Slicer panel.

Torch lives only in the worker. MRML and Qt live only in the panel. They meet in a folder and a stream of lines.

Who may import whom. Each line names a room (a file or folder beside this one), the rooms that it may import, and after "with" the
packages beyond the standard library. `Testing/structure/test_layers.py` holds the code to these lines.

    config <- nothing
    run <- nothing
    setup_environment <- nothing
    losses <- nothing, with torch
    data <- config, run, with numpy, scipy, SimpleITK
    relabel <- data, run, with numpy, scipy, SimpleITK
    metrics <- data, run, with numpy, scipy, SimpleITK
    report <- config, data, metrics, relabel, run, with numpy, scipy, SimpleITK
    nets <- config, with torch, numpy
    train <- config, data, losses, metrics, nets, relabel, run, with torch, numpy, scipy, SimpleITK
    rounds <- config, data, metrics, relabel, run, train, with numpy
    begin <- config, data, run, train, with numpy
    finish <- begin, config, data, relabel, report, run
    apply_model <- begin, config, data, finish, rounds, run, train, with numpy
    relabel_round <- begin, data, relabel, rounds, run, train, with numpy
    terminal <- run
    options <- config, run
    soft_labels <- data, metrics, options, report, run
    demo <- begin, config, data, finish, losses, metrics, nets, relabel, report, rounds, run, train, with numpy
    reported <- rounds, run, terminal, train
    commands <- apply_model, begin, config, data, demo, finish, metrics, options, relabel, relabel_round, reported, rounds, run, soft_labels
    cli <- commands, options, run
    __main__ <- cli, setup_environment
    panel <- config, data, metrics, relabel, run, with slicer, qt, ctk, vtk, numpy, SimpleITK

`commands` and `reported` import what needs torch only inside the functions that use it, so that `check` and `evaluate` start at once. This file imports nothing.
"""
