"""The settings of Splink on Spark, for more than one machine: here on a local one, where pyspark
and a Java runtime are installed. Neither is needed by the product or by CI."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.linkage.compare import COLUMNS, compare
from app.linkage.model import loads
from app.linkage.splink_engine import train
from app.linkage.splink_settings import SETS, as_columns, settings
from tests.linkage.people import people

pytest.importorskip("splink", reason="Splink (requirements-linkage.lock) is not installed")
pytest.importorskip("pyspark", reason="pyspark is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java runtime is installed"),
]


@pytest.mark.timeout(1200)
def test_the_same_settings_give_the_same_levels_and_learn_on_spark(tmp_path: Path) -> None:
    from pyspark.sql import SparkSession
    from pyspark.sql import types as kinds
    from splink import Linker, SparkAPI

    records = people()
    known = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
             "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}  # fmt: skip
    builder = SparkSession.builder.master("local[2]")
    for name, value in known.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        spark.sparkContext.setCheckpointDir(str(tmp_path))  # Splink cuts long plans there
        columns = as_columns(records)
        special = dict.fromkeys(("unique_id", "title"), kinds.LongType())
        special |= {name: kinds.ArrayType(kinds.StringType()) for name in SETS}
        schema = kinds.StructType(
            [kinds.StructField(n, special.get(n, kinds.StringType())) for n in columns]
        )
        rows = list(zip(*columns.values(), strict=True))
        api = SparkAPI(spark_session=spark, num_partitions_on_repartition=2)
        table = api.register(spark.createDataFrame(rows, schema))
        linking = Linker(table, settings(keep_levels=True), log_level="ERROR")
        found = linking.inference.predict(threshold_match_weight=-200).as_spark_dataframe()
        told = found.collect()
        learned = train(linking, len(records), version="spark", trained_on="test")
    finally:
        spark.stop()
    assert len(told) > 1000
    for row in told:
        gammas = [(row[f"gamma_{name}"], len(levels)) for name, levels in COLUMNS.items()]
        his = tuple(g if g < 0 else size - 1 - g for g, size in gammas)
        assert his == compare(records[row["unique_id_l"]], records[row["unique_id_r"]])
    assert loads(learned.dumps(), COLUMNS) == learned, "what the product applies without Splink"
    assert learned.columns["name"][0].bits > 0 > learned.columns["name"][-1].bits
