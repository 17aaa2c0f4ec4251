// Print what the layer shows of the dumps, and reads at the addresses, that a file asks for.
package main

import (
	"fmt"
	"os"
	"strings"

	"example/msl-parser/dump"
)

func main() {
	asked, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var found *dump.Dump
	for _, line := range strings.Split(strings.TrimSpace(string(asked)), "\n") {
		what, rest, _ := strings.Cut(line, " ")
		if what == "dump" {
			if found, err = dump.Open(rest); err != nil {
				panic(err)
			}
			fmt.Println(line)
			for _, one := range found.Regions {
				fmt.Printf("region %x %x %s\n", one.Address, one.Size, one.Rights)
			}
			for _, one := range found.Modules {
				fmt.Printf("module %x %x %s\n", one.Address, one.Size, one.Path)
			}
			for _, one := range found.Threads {
				for name, value := range one.Registers {
					if value == nil {
						fmt.Printf("register %x %s -\n", one.ID, name)
					} else {
						fmt.Printf("register %x %s %x\n", one.ID, name, value)
					}
				}
			}
			for index := range found.Damaged {
				fmt.Println("damaged", index)
			}
		} else {
			var address, length uint64
			fmt.Sscanf(rest, "%x %x", &address, &length)
			for _, run := range found.Read(address, length) {
				fmt.Printf("run %x %x %s %x\n", run.Address, run.Length, run.State, run.Data)
			}
		}
	}
}
