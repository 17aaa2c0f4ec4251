"""The languages: what the compiler calls them, how they spell names, how a parser is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .payload_words import PAYLOADS

__all__ = ["ACCESSORS", "SCHEMA_FILE", "TARGETS", "DecoderWords", "TargetLanguage"]

SCHEMA_FILE = "msl.ksy"
"""File name of the schema in a generated folder; Kaitai demands that it is the schema's id."""

ACCESSORS = (
    "blocks",
    "payload",
    "base_addr",
    "region_size",
    "is_read",
    "is_write",
    "is_execute",
    "is_guard",
    "is_copy_on_write",
    "page_size",
    "page_states",
    "page_data",
)
"""Names in the exported schema that the examples use."""


def _same(name: str) -> str:
    return name


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _camel(name: str) -> str:
    return name[0] + _pascal(name)[1:]


@dataclass(frozen=True)
class DecoderWords:
    """How a language's decoder says what it shows of a structure, as formats.

    Args:
        command: what runs it on paths from stdin, in the generated folder, once it is set up.
        statement: puts `value` under `key`.
        number: a number that the field `id` holds.
        bytes: the bytes that it holds.
        name: a line of the table of names.
        only: a statement for files of one `version`.
        unless: a statement for files of all others.
        of_file: the bytes of the file from `start` to `end`, shown.
        naming: what stands before a call that needs the names of numbers or bits.
    """

    command: str
    statement: str
    number: str
    bytes: str
    name: str
    only: str
    unless: str
    of_file: str
    naming: str = ""


@dataclass(frozen=True)
class TargetLanguage:
    """One language.

    Args:
        name: as the command line takes it.
        title: as people write it.
        kaitai: as the compiler takes it.
        spelling: from a name of the schema to the generated accessor's.
        words: generated types and constants that the examples use.
        run: commands, in the generated folder, that fetch the runtime and list a dump's
            regions; empty where nothing is there to run.
        source: where the parser stands below the folder.
        package: package or namespace unless another is asked for; empty: none.
        package_option: the compiler's option for it; empty where the language has none.
        package_separator: what stands between the parts of a package's name; empty: it has
            one part.
        package_folders: whether the compiler puts sources into folders named like it.
        package_uses: texts of the examples that name the package, with ``{package}`` in its
            place, and what they are when it is another one.
        package_line: what the npm compiler leaves out at the beginning of the source.
        options: further options of the JVM compiler.
        writes: whether the compiler can generate classes that write.
        write_uses: texts of the examples, and what they are for classes that write: these
            read when they are told to.
        decoder: how its decoder says what it shows; None: it has none.
    """

    name: str
    title: str
    kaitai: str
    spelling: Callable[[str], str] = _same
    words: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    source: str = ""
    package: str = ""
    package_option: str = ""
    package_separator: str = ""
    package_folders: bool = False
    package_uses: tuple[tuple[str, str], ...] = ()
    package_line: str = ""
    options: tuple[str, ...] = ()
    writes: bool = False
    write_uses: tuple[tuple[str, str], ...] = ()
    decoder: DecoderWords | None = None

    @property
    def parses(self) -> bool:
        """Whether a parser comes out, and not a picture or a page."""
        return bool(self.run)

    @property
    def level(self) -> str:
        """How much of the document its decoder shows: a level of the conformance harness."""
        return "payloads" if self.name in PAYLOADS else "regions"

    @property
    def accessors(self) -> tuple[str, ...]:
        """Every generated name that the examples use."""
        return (*map(self.spelling, ACCESSORS), *self.words)


_TARGETS = (
    TargetLanguage(
        "python",
        "Python",
        "python",
        words=("Msl", "MemoryRegion", "CompressedPayload", "PageState", "captured"),
        run=("pip install -r requirements.txt", "python list_regions.py DUMP"),
        writes=True,
        write_uses=(
            (" as parser:\n", " as parser:\n            parser._read()\n"),
            ("from_file(path)\n", "from_file(path)\n        self._parser._read()\n"),
            (
                "        return kind(KaitaiStream(io.BytesIO(data)), block, self._parser)\n",
                "        payload = kind(KaitaiStream(io.BytesIO(data)), block, self._parser)\n"
                "        payload._read()\n"
                "        return payload\n",
            ),
        ),
        decoder=DecoderWords(
            command="python decoder.py",
            statement='shown["{key}"] = {value}',
            number="found.{id}",
            bytes="found.{id}",
            name='"{line}",',
            only='if version == "{version}": {statement}',
            unless='if version != "{version}": {statement}',
            of_file="octets(file[{start}:{end}])",
        ),
    ),
    TargetLanguage(
        "javascript",
        "JavaScript",
        "javascript",
        spelling=_camel,
        words=("Msl", "MemoryRegion", "CompressedPayload", "PageState", "CAPTURED"),
        run=("npm install", "node list_regions.js DUMP"),
        decoder=DecoderWords(
            command="node decoder.js",
            statement="shown.{key} = {value};",
            number="found.{id}",
            bytes="found.{id}",
            name="'{line}',",
            only="if (version === '{version}') {statement}",
            unless="if (version !== '{version}') {statement}",
            of_file="octets(file.subarray({start}, {end}))",
        ),
    ),
    TargetLanguage(
        "java",
        "Java",
        "java",
        spelling=_camel,
        words=("Msl", "MemoryRegion", "CompressedPayload", "PageState", "CAPTURED"),
        run=(
            "mvn -q dependency:copy-dependencies -DoutputDirectory=lib",
            "javac -cp 'lib/*' -sourcepath . -d classes *.java",
            "java -cp 'lib/*:classes' ListRegions DUMP",
        ),
        package="msl",
        package_option="--java-package",
        package_separator=".",
        package_folders=True,
        package_uses=(("import msl.Msl;", "import {package}.Msl;"),),
        package_line="package {package};",
        writes=True,
        write_uses=(
            ("Msl.fromFile(path);\n", "Msl.fromFile(path);\n        parser._read();\n"),
            ("KaitaiStruct kind = null;\n", "KaitaiStruct.ReadWrite kind = null;\n"),
            ("return kind;\n", "if (kind != null) kind._read();\n        return kind;\n"),
            ("Stream(file));\n", "Stream(file));\n        parser._read();\n"),
        ),
        decoder=DecoderWords(
            command="java -cp 'lib/*:classes' Decoder",
            statement='shown.put("{key}", {value});',
            number="found.{id}()",
            bytes="found.{id}()",
            name='"{line}",',
            only='if (version.equals("{version}")) {statement}',
            unless='if (!version.equals("{version}")) {statement}',
            of_file="octets(Arrays.copyOfRange(file, {start}, {end}))",
        ),
    ),
    TargetLanguage(
        "go",
        "Go",
        "go",
        spelling=_pascal,
        words=(
            "NewMsl",
            "Msl_MemoryRegion",
            "Msl_CompressedPayload",
            "Msl_PageState__Captured",
        ),
        run=("go mod tidy", "go run ./list_regions DUMP"),
        package="msl",
        package_option="--go-package",
        package_folders=True,
        package_uses=(('"example/msl-parser/msl"', '"example/msl-parser/{package}"'),),
        package_line="package {package}",
        decoder=DecoderWords(
            command="go run ./decoder",
            statement='shown["{key}"] = {value}',
            number="uint64(found.{id})",
            bytes="found.{id}",
            name='"{line}",',
            only='if version == "{version}" {{ {statement} }}',
            unless='if version != "{version}" {{ {statement} }}',
            of_file="octets(file[{start}:{end}])",
        ),
    ),
    TargetLanguage(
        "rust",
        "Rust",
        "rust",
        words=(
            "Msl",
            "Msl_Block_Payload",
            "Msl_MemoryRegion",
            "Msl_CompressedPayload",
            "Msl_PageState",
            "Captured",
        ),
        run=("cargo build -q", "cargo run -q --bin list_regions DUMP"),
        source="src",
        decoder=DecoderWords(
            command="cargo run -q --bin decoder",
            statement='put(&mut shown, "{key}", {value});',
            number="*found.{id}() as u64",
            bytes="&found.{id}()",
            name='"{line}",',
            only='if names.version == "{version}" {{ {statement} }}',
            unless='if names.version != "{version}" {{ {statement} }}',
            of_file="octets(&file[{start}..{end}])",
            naming="names.",
        ),
    ),
    TargetLanguage(
        "cpp",
        "C++",
        "cpp_stl",
        words=("msl_t", "memory_region_t", "compressed_payload_t", "PAGE_STATE_CAPTURED"),
        run=(
            "conan install . --output-folder=build --build=missing",
            "cmake -B build -DCMAKE_TOOLCHAIN_FILE=build/conan_toolchain.cmake "
            "-DCMAKE_BUILD_TYPE=Release",
            "cmake --build build",
            "build/list_regions DUMP",
        ),
        package_option="--cpp-namespace",
        package_separator="::",
        package_uses=(('#include "msl.h"', '#include "msl.h"\nusing namespace {package};'),),
        options=("--cpp-standard", "11"),
        decoder=DecoderWords(
            command="build/decoder",
            statement='put(shown, "{key}", {value});',
            number="found->{id}()",
            bytes="found->{id}()",
            name='"{line}",',
            only='if (version == "{version}") {statement}',
            unless='if (version != "{version}") {statement}',
            of_file="octets(file.substr({start}, {end} - {start}))",
        ),
    ),
    TargetLanguage(
        "csharp",
        "C#",
        "csharp",
        spelling=_pascal,
        words=("Msl", "MemoryRegion", "CompressedPayload", "PageState", "Captured"),
        run=("dotnet run -- DUMP",),
        package="Kaitai",
        package_option="--dotnet-namespace",
        package_separator=".",
        package_uses=(("using Kaitai;", "using Kaitai;\nusing {package};"),),
        decoder=DecoderWords(
            command="dotnet run -p:StartupObject=Decoder",
            statement='shown.Put("{key}", {value});',
            number="(ulong) found.{id}",
            bytes="found.{id}",
            name='"{line}",',
            only='if (version == "{version}") {statement}',
            unless='if (version != "{version}") {statement}',
            of_file="octets(part(file, {start}, {end}))",
        ),
    ),
    TargetLanguage(
        "ruby",
        "Ruby",
        "ruby",
        words=("Msl", "MemoryRegion", "CompressedPayload", "page_state_captured"),
        run=("bundle install", "bundle exec ruby list_regions.rb DUMP"),
        decoder=DecoderWords(
            command="bundle exec ruby decoder.rb",
            statement="shown['{key}'] = {value}",
            number="found.{id}",
            bytes="found.{id}",
            name="'{line}',",
            only="{statement} if $version == '{version}'",
            unless="{statement} unless $version == '{version}'",
            of_file="octets(file.byteslice({start}...{end}))",
        ),
    ),
    TargetLanguage(
        "php",
        "PHP",
        "php",
        spelling=_camel,
        words=("Msl", "MemoryRegion", "CompressedPayload", "PageState", "CAPTURED"),
        run=("composer install", "php list_regions.php DUMP"),
        package_option="--php-namespace",
        package_separator="\\",
        package_uses=(("\\Msl", "\\{package}\\Msl"),),
        decoder=DecoderWords(
            command="php decoder.php",
            statement="$shown['{key}'] = {value};",
            number="$found->{id}()",
            bytes="$found->{id}()",
            name="'{line}',",
            only="if ($version === '{version}') {{ {statement} }}",
            unless="if ($version !== '{version}') {{ {statement} }}",
            of_file="octets(substr($file, {start}, {end} - {start}))",
        ),
    ),
    TargetLanguage(
        "lua",
        "Lua",
        "lua",
        words=("Msl", "PageState", "captured", "is_compressed", "page_state_map"),
        run=("sh get_runtime.sh", "lua list_regions.lua DUMP"),
        decoder=DecoderWords(
            command="lua decoder.lua",
            statement='put(shown, "{key}", {value})',
            number="found.{id}",
            bytes="found.{id}",
            name='"{line}",',
            only='if version == "{version}" then {statement} end',
            unless='if version ~= "{version}" then {statement} end',
            of_file="octets(file:sub({start} + 1, {end}))",
        ),
    ),
    TargetLanguage(
        "perl",
        "Perl",
        "perl",
        words=("Msl", "MemoryRegion", "CompressedPayload", "PAGE_STATE_CAPTURED"),
        run=("cpanm --installdeps .", "perl -I. list_regions.pl DUMP"),
        decoder=DecoderWords(
            command="perl -I. decoder.pl",
            statement="push @shown, {key} => {value};",
            number="$found->{id}()",
            bytes="$found->{id}()",
            name="'{line}',",
            only="if ($version eq '{version}') {{ {statement} }}",
            unless="if ($version ne '{version}') {{ {statement} }}",
            of_file="octets(substr $file, {start}, {end} - {start})",
        ),
    ),
    TargetLanguage(
        "nim",
        "Nim",
        "nim",
        spelling=_camel,
        words=("Msl", "Msl_MemoryRegion", "Msl_CompressedPayload", "Msl_PageState", "captured"),
        run=("nimble build", "./list_regions DUMP"),
        decoder=DecoderWords(
            command="./decoder",
            statement='shown.set("{key}", {value})',
            number="uint64(found.{id})",
            bytes="found.{id}",
            name='"{line}",',
            only='if version == "{version}": {statement}',
            unless='if version != "{version}": {statement}',
            of_file="octets(file[{start} ..< {end}])",
        ),
    ),
    TargetLanguage("html", "HTML", "html"),
    TargetLanguage("graphviz", "Graphviz", "graphviz"),
)

TARGETS: dict[str, TargetLanguage] = {target.name: target for target in _TARGETS}
"""Every language by the name that the command line takes."""
