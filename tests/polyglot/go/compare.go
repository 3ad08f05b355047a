package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"
)

// compareResult returns the differences between a case's expectation and the result of its call.
func compareResult(expected, actual object) []string {
	if _, validates := expected["violations"]; !validates && expected["status"] == nil {
		expected = maps.Clone(expected)
		expected["status"] = "OK"
	}
	var differences []string
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		switch name {
		case "trailing_metadata":
			differences = append(differences, compareMetadata(expected[name].(object), actual[name])...)
		case "violations":
			if !reflect.DeepEqual(sortedViolations(expected[name]), sortedViolations(actual[name])) {
				differences = append(differences, fmt.Sprintf("violations: %v, not %v", actual[name], expected[name]))
			}
		default:
			differences = append(differences, compare(expected[name], actual[name], name)...)
		}
	}
	return differences
}

func compareMetadata(expected object, actual any) []string {
	trailer, _ := actual.(metadata.MD)
	var differences []string
	for name, allowed := range expected {
		isSent := func(value any) bool { return slices.Contains(trailer.Get(name), fmt.Sprint(value)) }
		if !slices.ContainsFunc(allowed.([]any), isSent) {
			difference := fmt.Sprintf("trailing_metadata %s: %v, not one of %v", name, trailer.Get(name), allowed)
			differences = append(differences, difference)
		}
	}
	return differences
}

// compare returns where a part of a message differs from what is expected.
func compare(expected, actual any, path string) []string {
	var differences []string
	switch expected := expected.(type) {
	case object:
		if actual, ok := actual.(object); ok {
			for name, value := range expected {
				differences = append(differences, compare(value, actual[name], path+"."+name)...)
			}
			return differences
		}
	case []any:
		if actual, ok := actual.([]any); ok && len(actual) == len(expected) {
			for index, value := range expected {
				differences = append(differences, compare(value, actual[index], fmt.Sprintf("%s[%d]", path, index))...)
			}
			return differences
		}
	default:
		if expected == actual {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: %#v, not %#v", path, actual, expected)}
}

func sortedViolations(violations any) []string {
	var texts []string
	for _, violation := range violations.([]any) {
		texts = append(texts, fmt.Sprint(violation)) // prints the members in a fixed order
	}
	return slices.SortedFunc(slices.Values(texts), strings.Compare)
}
