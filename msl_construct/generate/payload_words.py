"""How the decoders of some languages say what payloads hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PAYLOADS", "PayloadWords"]


@dataclass(frozen=True)
class PayloadWords:
    """Formats of a decoder that shows every payload; its template has what they call.

    Args:
        opening: the lines that a function for the structure `name` begins with.
        closing: the lines that it ends with.
        entry: which function shows the generated type `type`.
        is_there: whether there is a field before which its structure may end; or, where an absent
            number is zero, whether the structure has the `needed` bytes with all such fields.
        newer: a `condition`, of files that are not of one `version`.
        when: a statement under a `condition`.
        stored: all bytes of a text that a NUL ends.
        joined: the bytes `first` and `second`.
        is_some: whether there is a byte in `value`.
        call: a statement that is a call.
        padded: the bytes that `length` bytes of text take, a multiple of `unit`, by adding `most`.
        string: what its function for text is called, where the name means something else.
        register: likewise its function for the value of a register.
        raw, part: likewise those for bytes that nobody decoded, and for some of the payload.
        inside: a `call` that shows structures inside of another.
        choice: a line for each field whose structure other fields choose: `field` of the structure
            `type`, and the `entries` of those that it can be; empty where types tell themselves.
    """

    opening: str
    closing: str
    entry: str
    is_there: str
    newer: str
    when: str
    stored: str
    joined: str
    is_some: str
    call: str
    padded: str = "({length} + {most}) / {unit} * {unit}"
    string: str = "string"
    register: str = "register"
    raw: str = "raw"
    part: str = "part({start}, {end})"
    inside: str = "{call}"
    choice: str = ""


PAYLOADS = {
    "python": PayloadWords(
        opening="def show_{name}(found):\n    shown = {{}}",
        closing="    return shown\n\n",
        entry="Msl.{type}: show_{name},",
        is_there='hasattr(found, "{id}")',
        newer='version != "{version}" and {condition}',
        when="if {condition}: {statement}",
        stored="found.{id}.stored",
        joined="{first} + {second}",
        is_some="{value}",
        call="{call}",
    ),
    "javascript": PayloadWords(
        opening="function show_{name}(found) {{\n  const shown = {{}};",
        closing="  return shown;\n}}\n",
        entry="[Msl.{type}, show_{name}],",
        is_there="found.{id} !== undefined",
        newer="version !== '{version}' && {condition}",
        when="if ({condition}) {statement}",
        stored="found.{id}.stored",
        joined="Buffer.concat([{first}, {second}])",
        is_some="{value}.length",
        call="{call};",
    ),
    "go": PayloadWords(
        opening="func show{type}(found *msl.Msl_{type}) object {{\n\tshown := object{{}}",
        closing="\treturn shown\n}}\n",
        entry="case *msl.Msl_{type}: return show{type}(found)",
        is_there="reaches(found, {needed})",
        newer='version != "{version}" && {condition}',
        when="if {condition} {{ {statement} }}",
        stored="found.{id}.Stored",
        joined="slices.Concat({first}, {second})",
        is_some="len({value}) > 0",
        call="{call}",
        string="text",
    ),
    "java": PayloadWords(
        opening="static Object show_{name}(Msl.{type} found) {{\n"
        "    Map<String, Object> shown = new LinkedHashMap<>();",
        closing="    return shown;\n}}\n",
        entry="if (found instanceof Msl.{type}) return show_{name}((Msl.{type}) found);",
        is_there="found.{id}() != null",
        newer='!version.equals("{version}") && {condition}',
        when="if ({condition}) {statement}",
        stored="found.{id}().stored()",
        joined="joined({first}, {second})",
        is_some="{value}.length > 0",
        call="{call};",
    ),
    "rust": PayloadWords(
        opening="impl Shown for Msl_{type} {{\n"
        "    fn shown(&self, names: &Names) -> KResult<String> {{\n"
        "        let (found, mut shown) = (self, Object::new());",
        closing="        Ok(object(&shown))\n    }}\n}}\n",
        entry="Msl_{type}",
        is_there="found._io().size() as u64 >= {needed}",
        newer='names.version != "{version}" && {condition}',
        when="if {condition} {{ {statement} }}",
        stored="&found.{id}().stored()",
        joined="&joined({first}, {second})",
        is_some="!<[u8]>::is_empty({value})",
        call="{call}?;",
        register="names.register",
        raw="names.raw",
        part="&names.part({start}, {end})?",
        inside="names.{call}?",
        choice="one_of!(Msl_{type}_{field}: {entries});",
    ),
    "cpp": PayloadWords(
        opening="std::string show_{name}(kaitai::kstruct& read) {{\n"
        "    auto* const found = static_cast<msl_t::{name}_t*>(&read);\n"
        "    Object shown;",
        closing="    return object(shown);\n}}\n",
        entry="{{typeid(msl_t::{name}_t), show_{name}}},",
        is_there="!found->_is_null_{id}()",
        newer='version != "{version}" && {condition}',
        when="if ({condition}) {statement}",
        stored="found->{id}()->stored()",
        joined="{first} + {second}",
        is_some="!{value}.empty()",
        call="{call};",
        register="register_value",
    ),
    "csharp": PayloadWords(
        opening="static string show{type}(Msl.{type} found)\n{{\n    var shown = new Members();",
        closing="    return shown.ToString();\n}}\n",
        entry="if (found is Msl.{type}) return show{type}((Msl.{type}) found);",
        is_there="found.{id} != null",
        newer='version != "{version}" && {condition}',
        when="if ({condition}) {statement}",
        stored="found.{id}.Stored",
        joined="joined({first}, {second})",
        is_some="{value}.Length > 0",
        call="{call};",
        string="textOf",
    ),
    "ruby": PayloadWords(
        opening="def show_{name}(found)\n  shown = {{}}",
        closing="  shown\nend\n",
        entry="Msl::{type} => :show_{name},",
        is_there="!found.{id}.nil?",
        newer="$version != '{version}' && {condition}",
        when="{statement} if {condition}",
        stored="found.{id}.stored",
        joined="{first} + {second}",
        is_some="!{value}.empty?",
        call="{call}",
    ),
    "php": PayloadWords(
        opening="function show_{name}(\\Msl\\{type} $found): string\n{{\n"
        "    global $version;\n    $shown = [];",
        closing="    return object($shown);\n}}\n",
        entry="\\Msl\\{type}::class => 'show_{name}',",
        is_there="$found->{id}() !== null",
        newer="$version !== '{version}' && {condition}",
        when="if ({condition}) {{ {statement} }}",
        stored="$found->{id}()->stored()",
        joined="{first} . {second}",
        is_some="{value} !== ''",
        call="{call};",
    ),
    "lua": PayloadWords(
        opening="local function show_{name}(found)\n  local shown = {{}}",
        closing="  return object(shown)\nend\n",
        entry="[Msl.{type}] = show_{name},",
        is_there="found.{id} ~= nil",
        newer='version ~= "{version}" and {condition}',
        when="if {condition} then {statement} end",
        stored="found.{id}.stored",
        joined="{first} .. {second}",
        is_some="#{value} > 0",
        call="{call}",
    ),
    "perl": PayloadWords(
        opening="sub show_{name} {{\n    my ($found) = @_;\n    my @shown;",
        closing="    return object(@shown);\n}}\n",
        entry="'Msl::{type}' => \\&show_{name},",
        is_there="defined $found->{id}()",
        newer="$version ne '{version}' && {condition}",
        when="if ({condition}) {{ {statement} }}",
        stored="$found->{id}()->stored()",
        joined="{first} . {second}",
        is_some="length {value}",
        call="{call};",
    ),
    "nim": PayloadWords(
        opening="proc show{type}(found: Msl_{type}): string =\n  var shown: Members",
        closing="  objectOf(shown)\n",
        entry="if found of Msl_{type}: return show{type}(Msl_{type}(found))",
        is_there="reaches(found, {needed})",
        newer='version != "{version}" and {condition}',
        when="if {condition}: {statement}",
        stored="found.{id}.stored",
        joined="{first} & {second}",
        is_some="{value}.len > 0",
        call="{call}",
        padded="({length} + {most}) div {unit} * {unit}",
        string="textOf",
    ),
}
"""By language; decoders of others show the headers and regions alone."""
