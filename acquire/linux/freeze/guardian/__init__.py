"""The guardian: a small program that stops a target and is sure to let it go.

It is started with the standard library alone (``python -I -S``), before the target is touched,
so nothing here imports anything of the package but its neighbours in this folder. The acquirer
imports some of these modules as well.

=================  =======================================================================
module             holds
=================  =======================================================================
`program`          what is said over the pipes, and the order of things
`method`           what a method of freezing has to offer
`tracing`          the method ``ptrace``; with `catcher`, `trace_calls`, `restarting`,
                   `filters`
`signalling`       the method ``sigstop``
`grouping`         the method ``cgroup``
`snapshotting`     the method ``snapshot``; with `copying`, `injection`, `headroom`
`deputy`           the second process, which steps in for a guardian that dies or hangs
`independence`     what keeps others from stopping the two
`sighting`         what /proc says of a thread
`refusals`         why a target can't be stopped
=================  =======================================================================
"""
