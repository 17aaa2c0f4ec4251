// A dump walked with the generated Go parser: walk DUMP headers|full
package main

import (
	"fmt"
	"os"
	"regexp"
	"time"

	"example/msl-parser/msl"
	"github.com/kaitai-io/kaitai_struct_go_runtime/kaitai"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	begin := time.Now()
	full := os.Args[2] == "full"
	blocks, pages, size, total := 0, 0, 0, 0
	file, err := os.Open(os.Args[1])
	check(err)
	dump := msl.NewMsl()
	check(dump.Read(kaitai.NewStream(file), nil, dump))
	for _, block := range dump.Blocks {
		blocks++
		size += int(block.BlockLength)
		if !full {
			continue
		}
		payload, err := block.Payload()
		check(err)
		region, ok := payload.(*msl.Msl_MemoryRegion)
		if !ok {
			continue
		}
		states, err := region.PageStates()
		check(err)
		for _, state := range states {
			if state == msl.Msl_PageState__Captured {
				pages++
			}
		}
		data, err := region.PageData()
		check(err)
		step, err := region.PageSize()
		check(err)
		for at := 0; at < len(data); at += int(step) {
			total += int(data[at])
		}
	}
	seconds := time.Since(begin).Seconds()
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	peak := regexp.MustCompile(`VmHWM:\s*(\d+)`).FindSubmatch(status)[1]
	fmt.Printf("[%f,%s,%d,%d,%d,%d]\n", seconds, peak, blocks, size, pages, total)
}
