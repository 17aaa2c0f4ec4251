"""The same questions for Polars, of a lake in a folder."""

import polars as pl


def captured(lake: str) -> pl.DataFrame:
    """How much of each dump was captured, and how much was not, by state."""
    runs = pl.scan_parquet(f"{lake}/page_runs/*.parquet")
    dumps = pl.scan_parquet(f"{lake}/dumps/*.parquet").select("dump_uuid", "source")
    return (
        runs.join(dumps, on="dump_uuid")
        .group_by("source", "state")
        .agg(pl.col("size").sum().alias("bytes"))
        .sort("source", "state")
        .collect()
    )


def executable(lake: str, program: str) -> pl.DataFrame:
    """Memory of a program that can be written and executed."""
    rights = pl.col("protection")
    regions = pl.scan_parquet(f"{lake}/regions/*.parquet").filter(
        rights.list.contains("write") & rights.list.contains("execute")
    )
    dumps = pl.scan_parquet(f"{lake}/dumps/*.parquet").filter(
        pl.col("exe_path").str.ends_with(program)
    )
    return (
        regions.join(dumps.select("dump_uuid", "source"), on="dump_uuid")
        .select("source", "base_addr", "region_size")
        .sort("source", "base_addr")
        .collect()
    )


def shared_pages(lake: str) -> pl.DataFrame:
    """Pages that stand in more than one dump, those in most dumps first."""
    return (
        pl.scan_parquet(f"{lake}/page_hashes/*.parquet")
        .group_by("blake3")
        .agg(pl.col("dump_uuid").n_unique().alias("dumps"), pl.len().alias("places"))
        .filter(pl.col("dumps") > 1)
        .sort(["dumps", "blake3"], descending=[True, False])
        .collect()
    )
