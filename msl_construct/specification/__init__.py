"""The specification of a draft, rendered: facts are the declaration's, prose is ours."""
