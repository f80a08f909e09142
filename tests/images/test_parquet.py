"""Parquet files as people and Hugging Face's `datasets` write them, and hostile ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features
from datasets import Image as ImageFeature

from stages.images.members import Member
from tests.shards import (
    CLASSES,
    Photo,
    members,
    parquet_of,
    write_parquet,
    write_photos,
)

PHOTO, OTHER = write_photos(2)


@pytest.mark.parametrize(
    ("label", "names", "expected"),
    [
        (pa.array([2, 0]), CLASSES, ["owl", "cat"]),
        (pa.array([2, -1]), CLASSES, ["owl", None]),
        (pa.array([10, None]), None, ["10", None]),
        (pa.array(["dog", None]), None, ["dog", None]),
        (pa.array([2.0, None]), CLASSES, ["owl", None]),
        (pa.array([float("nan"), -1.0]), CLASSES, [None, None]),
        (pa.array([10.0, 0.5]), None, ["10", None]),
        (pa.array(["dog", None]).dictionary_encode(), None, ["dog", None]),
        (pa.array([10**15] * 2, pa.timestamp("s", tz="nowhere")), None, [None, None]),
        (pa.array([[0, 1], [1]]), None, [None, None]),
    ],
)
def test_a_label_of_parquet_is_a_name_or_a_number(
    tmp_path: Path, label: pa.Array, names: list[str] | None, expected: list[str | None]
) -> None:
    table = pa.table({"image": [PHOTO.data, OTHER.data], "label": label})
    if names:
        features = {
            "label": {"names": names, "_type": "ClassLabel"},
            "tags": [{"dtype": "string", "_type": "Value"}],  # as older versions write a list
        }
        note = {"info": {"features": features}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(note)})
    pq.write_table(table, tmp_path / "0.parquet")
    assert [member.label for member in members(tmp_path / "0.parquet")] == expected


def test_the_column_that_hugging_face_notes_as_images_is_read(tmp_path: Path) -> None:
    columns = {"img": [{"bytes": PHOTO.data, "path": None}], "label": [0]}
    features = Features({"img": ImageFeature(), "label": ClassLabel(names=CLASSES)})
    datasets.Dataset.from_dict(columns, features).to_parquet(tmp_path / "0.parquet")
    [member] = members(tmp_path / "0.parquet")
    assert (member.label, member.content) == ("cat", hashlib.sha256(PHOTO.data).hexdigest()[:32])


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        ({"labels": "ClassLabel"}, "cat"),
        ({"labels": "ClassLabel", "fine_label": "ClassLabel"}, None),
        ({"labels": "ClassLabel", "label": "Value"}, "2"),
        ({"labels": "Value"}, None),
    ],
)
def test_a_label_is_in_the_only_column_that_hugging_face_notes_as_one(
    tmp_path: Path, noted: dict[str, str], expected: str | None
) -> None:
    columns = {"image": [PHOTO.data], "labels": [0], "fine_label": [1]}
    if "label" in noted:
        columns["label"] = [2]
    kinds = {"ClassLabel": ClassLabel(names=CLASSES), "Value": datasets.Value("int64")}
    features = {"image": datasets.Value("binary")} | dict.fromkeys(
        columns.keys() - {"image"}, kinds["Value"]
    )
    features |= {name: kinds[kind] for name, kind in noted.items()}
    datasets.Dataset.from_dict(columns, Features(features)).to_parquet(tmp_path / "0.parquet")
    [member] = members(tmp_path / "0.parquet")
    assert member.label == expected


@pytest.mark.parametrize(
    "kind",
    [
        pa.binary_view(),
        pa.large_binary(),
        pa.binary(len(PHOTO.data)),
        pa.dictionary(pa.int32(), pa.binary()),
        pa.struct({"path": pa.string(), "bytes": pa.binary_view()}),
    ],
    ids=str,
)
def test_images_are_in_any_column_of_bytes(tmp_path: Path, kind: pa.DataType) -> None:
    value: Any = {"bytes": PHOTO.data} if pa.types.is_struct(kind) else PHOTO.data
    images = pa.array([value, None, value], kind)
    parquet_of(tmp_path / "0.parquet", {"image": images})
    assert pq.read_schema(tmp_path / "0.parquet").field("image").type == kind
    digest = hashlib.sha256(PHOTO.data).hexdigest()[:32]
    assert [of.content for of in members(tmp_path / "0.parquet")] == [digest, "", digest]


def test_rows_without_an_image_are_refused(tmp_path: Path) -> None:
    rows = [{"bytes": None, "path": "elsewhere.png"}, None, {"bytes": PHOTO.data, "path": None}]
    parquet_of(tmp_path / "0.parquet", {"image": rows})
    first, second, third = members(tmp_path / "0.parquet")
    assert first == Member("0", None, reason="no image in this row")
    assert second == Member("1", None, reason="no image in this row")
    assert third.content == hashlib.sha256(PHOTO.data).hexdigest()[:32]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"url": ["http://host/a.png"]}, "a column `image` of bytes.* found url: string"),
        ({"image": ["a.png"]}, "a column `image` of bytes.* found image: string"),
        ({"image": [{"path": "a.png"}]}, r"a column `image` .* found image: struct<path: string>"),
    ],
)
def test_parquet_without_images_says_what_it_has(
    tmp_path: Path, columns: dict[str, Any], expected: str
) -> None:
    with pytest.raises(OSError, match=rf"0\.parquet: .*{expected}"):
        members(parquet_of(tmp_path / "0.parquet", columns))


@pytest.mark.parametrize("label", [-2, 3])
def test_a_label_beyond_the_names_is_an_error(tmp_path: Path, label: int) -> None:
    write_parquet(tmp_path / "0.parquet", [Photo("a", "png", PHOTO.data, 0)])
    table = pq.read_table(tmp_path / "0.parquet")
    pq.write_table(table.set_column(1, "label", pa.array([label])), tmp_path / "0.parquet")
    with pytest.raises(OSError, match=rf"0\.parquet: .*a label of one of 3 classes, found {label}"):
        members(tmp_path / "0.parquet")


def test_one_large_value_of_many_rows_is_in_memory_few_times(tmp_path: Path) -> None:
    size = 2**22
    value = pa.DictionaryArray.from_arrays(pa.array([0] * 64, pa.int32()), [bytes(size)])
    large = {"compression": "zstd", "dictionary_pagesize_limit": 2**30, "store_schema": False}
    parquet_of(tmp_path / "0.parquet", {"image": value}, **large)
    assert (tmp_path / "0.parquet").stat().st_size < size
    pool, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        assert len(members(tmp_path / "0.parquet")) == 64
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 6 * size


def test_a_parquet_file_that_unpacks_to_far_more_than_it_is_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {"use_dictionary": False, "compression": "zstd"}
    parquet_of(tmp_path / "0.parquet", {"image": [bytes(2**20)] * 4}, **plain)
    assert len(members(tmp_path / "0.parquet")) == 4
    monkeypatch.setattr("stages.images.parquet.MAX_UNQUESTIONED_BYTES", 2**22)
    with pytest.raises(OSError, match=r"a row group takes 4194\d\d\d bytes .* a dec"):
        members(tmp_path / "0.parquet")


def noted(path: Path, note: Any) -> Path:
    table = pa.table({"image": [PHOTO.data], "label": [1]})
    text = note if isinstance(note, str) else json.dumps(note)
    pq.write_table(table.replace_schema_metadata({"huggingface": text}), path)
    return path


@pytest.mark.parametrize(
    "note",
    [
        None,
        {},
        {"info": None},
        {"info": {"features": None}},
        {"info": {"features": {"image": None, "label": None}}},
        {"info": {"features": {"label": {"_type": "ClassLabel"}}}},
        {"info": {"features": {"label": {"_type": "ClassLabel", "names": None}}}},
        {"info": {"features": {"label": {"_type": ["ClassLabel"]}, "other": {"names": 7}}}},
    ],
    ids=json.dumps,
)
def test_a_note_that_names_no_classes_leaves_their_numbers(tmp_path: Path, note: object) -> None:
    [member] = members(noted(tmp_path / "0.parquet", note))
    assert (member.label, member.reason) == ("1", "")


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ([7], r"`info` .*found \[7\]"),
        ({"info": "text"}, "`info` .*found 'text'"),
        ({"info": {"features": [1]}}, r"`features` .*found \[1\]"),
        ({"info": {"features": {"label": {"names": 7}}}}, "classes of `label` .*found 7"),
        ({"info": {"features": {"label": {"names": [1]}}}}, r"classes of `label` .*found \[1\]"),
    ],
    ids=["no JSON", "deep", "a list", "info", "features", "names", "a name"],
)
def test_a_note_that_is_malformed_is_named(tmp_path: Path, note: object, expected: str) -> None:
    with pytest.raises(OSError, match=rf"0\.parquet: cannot be read as a shard: .*{expected}"):
        members(noted(tmp_path / "0.parquet", note))


@pytest.mark.parametrize("name", ["image", "label"])
def test_two_columns_of_one_name_are_an_error(tmp_path: Path, name: str) -> None:
    columns = {"image": pa.array([PHOTO.data]), "label": pa.array([1])}
    table = pa.table([*columns.values(), columns[name]], names=[*columns, name])
    pq.write_table(table, tmp_path / "0.parquet")
    with pytest.raises(OSError, match=rf"0\.parquet: .*2 columns have the name `{name}`"):
        members(tmp_path / "0.parquet")
