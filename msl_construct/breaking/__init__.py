"""Who breaks: what a change of the declaration does to files and readers, said and shown.

`classify` says it of two declarations alone. `impact` makes files under both drafts and reads
them with the readers of both. Where the two disagree, one of them has a defect.
"""
