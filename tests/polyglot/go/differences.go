package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"
)

// unlike returns what is not as a case expects it.
func unlike(expect, found object) []string {
	var all []string
	if _, only := expect["violations"]; !only && expect["status"] == nil {
		expect = maps.Clone(expect)
		expect["status"] = "OK"
	}
	for _, name := range slices.Sorted(maps.Keys(expect)) {
		wanted := expect[name]
		came := found[name]
		switch name {
		case "metadata":
			all = append(all, unlikeMetadata(wanted.(object), came)...)
		case "violations":
			if !reflect.DeepEqual(sorted(wanted), sorted(came)) {
				all = append(all, fmt.Sprintf("violations: %v, not %v", came, wanted))
			}
		default:
			all = append(all, differences(wanted, came, name)...)
		}
	}
	return all
}

func unlikeMetadata(wanted object, came any) []string {
	header, _ := came.(metadata.MD)
	var all []string
	for name, values := range wanted {
		fits := func(value any) bool { return slices.Contains(header.Get(name), fmt.Sprint(value)) }
		if !slices.ContainsFunc(values.([]any), fits) {
			all = append(all, fmt.Sprintf("metadata %s: %v, not one of %v", name, header.Get(name), values))
		}
	}
	return all
}

// differences returns where a part of a message is not as expected.
func differences(expected, found any, path string) []string {
	var all []string
	switch wanted := expected.(type) {
	case object:
		if came, ok := found.(object); ok {
			for name, each := range wanted {
				all = append(all, differences(each, came[name], path+"."+name)...)
			}
			return all
		}
	case []any:
		if came, ok := found.([]any); ok && len(came) == len(wanted) {
			for place, each := range wanted {
				all = append(all, differences(each, came[place], fmt.Sprintf("%s[%d]", path, place))...)
			}
			return all
		}
	default:
		if expected == found {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: %#v, not %#v", path, found, expected)}
}

func sorted(violations any) []string {
	var texts []string
	for _, each := range violations.([]any) {
		texts = append(texts, fmt.Sprint(each)) // with its members in order
	}
	return slices.SortedFunc(slices.Values(texts), strings.Compare)
}
