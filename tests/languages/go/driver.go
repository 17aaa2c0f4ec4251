// Print what the generated Go parser finds, one JSON document a file and line.
//
// Usage: driver PLAN.json LIST; LIST names the files, one a line, and each is answered as soon as
// it is named: LIST may be a pipe. What there is to print, the plan says: see ../plan.py.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"driver/msl"

	"github.com/kaitai-io/kaitai_struct_go_runtime/kaitai"
)

type object = map[string]any

type flagNumber struct {
	Bit, Bits int
	ID        string
	Names     map[string]string
}

type field struct {
	Key, ID, Shown, Code, Raw, Length, Padding string
	Structure, Tag, Otherwise                  string
	Optional, Hidden, Terminated               bool
	Digits, Width                              int
	Names, Cases                               map[string]string
	Bits                                       [][3]any
	Numbers                                    []flagNumber
}

var plan struct {
	Structures    map[string][]field
	Payloads      map[string]string
	OtherPayloads string `json:"other_payloads"`
	RawLimit      int    `json:"raw_limit"`
}

// The file offset behind a structure is known for headers and payloads only.
const unknown = -1

// Whether the file at hand is little-endian.
var little bool

func document(path string) (shown object) {
	shown = object{"file": path}
	defer func() { // whatever a damaged file makes the parser do
		if problem := recover(); problem != nil {
			shown = object{"file": path, "error": fmt.Sprint(problem)}
		}
	}()
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	parser := msl.NewMsl()
	check(parser.Read(kaitai.NewStream(file), parser, parser))
	header := structure("root", parser, unknown)
	little = header["endianness"] == "little"
	merge(header, structure("file_header", parser.FileHeader, unknown))
	blocks := []object{}
	offset := int(parser.HeaderSize)
	for _, block := range parser.Blocks {
		end := offset + int(block.BlockLength)
		kind := choose(plan.Payloads, fmt.Sprint(get(block, "payload_kind")), plan.OtherPayloads)
		one := object{"offset": fmt.Sprintf("0x%x", offset)}
		merge(one, structure("block", block, unknown))
		payload, err := decoded(block, kind, end)
		if err != nil { // it does not hold what its layout says
			one["error"] = fmt.Sprint(err)
			payload = structure(plan.OtherPayloads, block.Stored, end)
		}
		one["payload"] = payload
		blocks = append(blocks, one)
		offset = end
	}
	shown["header"], shown["blocks"], shown["trailing"] = header, blocks, nil
	if behind := parser.TrailingData; len(behind) > 0 {
		shown["trailing"] = extent(behind, offset+len(behind))
	}
	return shown
}

func decoded(block *msl.Msl_Block, kind string, end int) (shown object, err any) {
	defer func() {
		if problem := recover(); problem != nil {
			err = problem
		}
	}()
	payload, failed := block.Payload()
	check(failed)
	return structure(kind, payload, end), nil
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func merge(into, from object) {
	for key, value := range from {
		into[key] = value
	}
}

func choose(known map[string]string, key, otherwise string) string {
	if name, ok := known[key]; ok {
		return name
	}
	return otherwise
}

// get is a field of a generated structure, or the result of one of its instances:
// page_size_log2 is PageSizeLog2 or PageSizeLog2().
func get(found any, id string) any {
	name := ""
	for _, word := range strings.Split(id, "_") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	value := reflect.ValueOf(found)
	if method := value.MethodByName(name); method.IsValid() {
		results := method.Call(nil)
		if err, failed := results[1].Interface().(error); failed {
			panic(err)
		}
		return results[0].Interface()
	}
	return value.Elem().FieldByName(name).Interface()
}

// number is an integer of any width, as an unsigned one.
func number(value any) uint64 {
	found := reflect.ValueOf(value)
	if found.CanUint() {
		return found.Uint()
	}
	return uint64(found.Int())
}

func structure(name string, found any, end int) object {
	shown := object{}
	for i, one := range plan.Structures[name] {
		value := get(found, one.ID)
		if one.Optional && absent(value, found, plan.Structures[name][i+1:]) {
			continue
		}
		if one.Hidden && len(value.([]byte)) == 0 {
			continue
		}
		shown[one.Key] = show(found, one, value, end)
	}
	return shown
}

// absent says whether a structure ended before an optional field. A number that is not there is
// zero in Go, as one that is: then it is known by the bytes behind it, which are nil.
func absent(value, found any, behind []field) bool {
	if one := reflect.ValueOf(value); one.Kind() == reflect.Slice || one.Kind() == reflect.Pointer {
		return one.IsNil()
	} else if !one.IsZero() {
		return false
	}
	return len(behind) > 0 && behind[0].Optional && absent(get(found, behind[0].ID), found, behind[1:])
}

func show(found any, one field, value any, end int) any {
	switch one.Shown {
	case "number":
		return value
	case "hex":
		return fmt.Sprintf("0x%0*x", one.Digits, value)
	case "time":
		return fmt.Sprint(value)
	case "magic":
		return string(value.([]byte))
	case "bytes":
		return hex.EncodeToString(value.([]byte))
	case "uuid":
		raw := value.([]byte)
		return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
	case "code": // a value that the enumeration does not have is just its number
		if name, ok := one.Names[fmt.Sprint(number(value))]; ok {
			return name
		}
		return fmt.Sprintf("0x%0*x", one.Digits, get(found, one.Code))
	case "flags":
		return flags(found, one, number(value))
	case "text":
		return text(found, one, value.(string))
	case "blob":
		return padded("bytes", "", value.([]byte), found, one)
	case "register":
		return padded("value", "0x", value.([]byte), found, one)
	case "runs":
		return runs(found, one, reflect.ValueOf(value))
	case "data":
		return extent(value.([]byte), end)
	case "raw":
		if raw := value.([]byte); len(raw) > plan.RawLimit {
			return extent(raw, end)
		}
		return hex.EncodeToString(value.([]byte))
	case "table":
		entries := []object{}
		list := reflect.ValueOf(value)
		for i := 0; i < list.Len(); i++ {
			entries = append(entries, structure(one.Structure, list.Index(i).Interface(), unknown))
		}
		return entries
	case "structure":
		return structure(one.Structure, value, unknown)
	case "choice":
		kind := choose(one.Cases, fmt.Sprint(get(found, one.Tag)), one.Otherwise)
		return structure(kind, value, unknown)
	}
	panic(one.Shown + " is unknown to this driver")
}

// flags are the names of the set bits: known ones by their booleans, the others by their number.
func flags(found any, one field, word uint64) []string {
	names := map[int]string{}
	known := uint64(0)
	for _, bit := range one.Bits {
		position := int(bit[0].(float64))
		known |= 1 << position
		if get(found, bit[2].(string)).(bool) {
			names[position] = bit[1].(string)
		}
	}
	for _, inner := range one.Numbers {
		known |= (1<<inner.Bits - 1) << inner.Bit
		if value := number(get(found, inner.ID)); value != 0 {
			names[inner.Bit] = inner.Names[fmt.Sprint(value)]
		}
	}
	for bit := 0; bit < one.Width; bit++ {
		if word&^known>>bit&1 == 1 {
			names[bit] = fmt.Sprintf("bit_%d", bit)
		}
	}
	positions := []int{}
	for bit := range names {
		positions = append(positions, bit)
	}
	slices.Sort(positions)
	shown := []string{}
	for _, bit := range positions {
		shown = append(shown, names[bit])
	}
	return shown
}

// text is the text, and the stored bytes beside it where they don't follow from it.
func text(found any, one field, decoded string) any {
	length, raw := int(number(get(found, one.Length))), get(found, one.Raw)
	if length == 0 {
		return nil
	}
	encoded := []byte(decoded)
	if one.Terminated {
		raw = get(raw, "stored")
		encoded = append(encoded, 0)
	}
	stored := bytes.Clone(raw.([]byte))
	if one.Padding != "" {
		stored = append(stored, get(found, one.Padding).([]byte)...)
	}
	padding := max(0, len(stored)-len(encoded))
	canonical := utf8.ValidString(decoded) && len(encoded) == length
	if canonical && bytes.Equal(append(encoded, make([]byte, padding)...), stored) {
		return decoded
	}
	return object{"text": decoded, "raw": hex.EncodeToString(stored)}
}

func isZero(raw []byte) bool {
	return len(bytes.Trim(raw, "\x00")) == 0
}

// padded are bytes; with the padding behind them where that isn't zero.
func padded(key, prefix string, value []byte, found any, one field) any {
	ordered := bytes.Clone(value)
	if one.Shown == "register" && little {
		slices.Reverse(ordered)
	}
	shown := prefix + hex.EncodeToString(ordered)
	padding := get(found, one.Padding).([]byte)
	if isZero(padding) {
		return shown
	}
	return object{key: shown, "raw": hex.EncodeToString(value) + hex.EncodeToString(padding)}
}

// runs are page states as [first page, pages, state], and the padding where it isn't zero.
func runs(found any, one field, states reflect.Value) any {
	shown := [][3]any{}
	pages := states.Len()
	for first := 0; first < pages; {
		state, next := number(states.Index(first).Interface()), first
		for next < pages && number(states.Index(next).Interface()) == state {
			next++
		}
		shown = append(shown, [3]any{first, next - first, one.Names[fmt.Sprint(state)]})
		first = next
	}
	padding := get(found, one.Raw).([]byte)[pages/4:]
	unused := bytes.Clone(padding)
	if len(unused) > 0 {
		unused[0] &= 0xff >> (2 * (pages % 4))
	}
	if !isZero(unused) {
		return object{"runs": shown, "padding": hex.EncodeToString(padding)}
	}
	return shown
}

// extent is bytes with their place in the file, where that is known.
func extent(data []byte, end int) object {
	shown := object{"length": len(data), "data": base64.StdEncoding.EncodeToString(data)}
	if end != unknown {
		shown["offset"] = fmt.Sprintf("0x%x", end-len(data))
	}
	return shown
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	check(err)
	check(json.Unmarshal(text, &plan))
	list, err := os.Open(os.Args[2])
	check(err)
	out := bufio.NewWriter(os.Stdout)
	for names := bufio.NewScanner(list); names.Scan(); {
		line, err := json.Marshal(document(names.Text()))
		check(err)
		out.Write(append(line, '\n'))
		check(out.Flush())
	}
}
