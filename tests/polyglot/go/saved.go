package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// saved has values of earlier responses, by name.
type saved map[string]string

// fill replaces {{name}} in JSON by saved values.
func (s saved) fill(text []byte) []byte {
	for name, value := range s {
		text = bytes.ReplaceAll(text, []byte("{{"+name+"}}"), []byte(value))
	}
	return text
}

// add saves the values of a response to which the paths lead.
func (s saved) add(paths map[string]string, response any) error {
	for name, path := range paths {
		value := response
		for key := range strings.SplitSeq(path, ".") {
			switch parent := value.(type) {
			case object:
				value = parent[key]
			case []any:
				index, err := strconv.Atoi(key)
				if err != nil || index >= len(parent) {
					return fmt.Errorf("save: no %s in %v", path, response)
				}
				value = parent[index]
			}
		}
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("save: no text %s in %v", path, response)
		}
		s[name] = text
	}
	return nil
}
