// The oracle of the Sprig tests: templates in, what text/template with Sprig answers out.
//
// Built with `-tags faketime` the clock stands at 2009-11-10T23:00:00Z. Usage: oracle POOL IN OUT, where POOL is a
// JSON object of typed values that become the template's data, IN has one template a line (after unescaping) and OUT
// gets one answer a line: `=` and the output, or `!` and the error, escaped. ORACLE_LOCAL names the local zone,
// ORACLE_RANDOM=fixed makes all randomness the byte 0x5a. The versions in go.mod are those of helm v4.3.1.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/uuid"
)

func typed(raw json.RawMessage) any {
	var tagged map[string]json.RawMessage
	check(json.Unmarshal(raw, &tagged))
	for tag, body := range tagged {
		var s string
		_ = json.Unmarshal(body, &s)
		switch tag {
		case "nil":
			return nil
		case "bool":
			return s == "true"
		case "int":
			return int(integer(s))
		case "int8":
			return int8(integer(s))
		case "int32":
			return int32(integer(s))
		case "int64":
			return integer(s)
		case "uint8":
			return uint8(integer(s))
		case "uint":
			n, err := strconv.ParseUint(s, 10, 64)
			check(err)
			return uint(n)
		case "uint64":
			n, err := strconv.ParseUint(s, 10, 64)
			check(err)
			return n
		case "float64":
			f, err := strconv.ParseFloat(s, 64)
			check(err)
			return f
		case "number":
			return json.Number(s)
		case "string":
			return s
		case "escaped":
			return unescape(s)
		case "bytes":
			return []byte(s)
		case "list":
			var items []json.RawMessage
			check(json.Unmarshal(body, &items))
			list := make([]any, 0, len(items))
			for _, item := range items {
				list = append(list, typed(item))
			}
			return list
		case "strings":
			var list []string
			check(json.Unmarshal(body, &list))
			return list
		case "ints":
			var list []int
			check(json.Unmarshal(body, &list))
			return list
		case "map":
			var items map[string]json.RawMessage
			check(json.Unmarshal(body, &items))
			m := map[string]any{}
			for key, item := range items {
				m[key] = typed(item)
			}
			return m
		case "stringmap":
			var m map[string]string
			check(json.Unmarshal(body, &m))
			return m
		default:
			panic("unknown tag " + tag)
		}
	}
	panic("untagged value")
}

func integer(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func pool(path string) any {
	text, err := os.ReadFile(path)
	check(err)
	var values map[string]json.RawMessage
	check(json.Unmarshal(text, &values))
	data := map[string]any{}
	for name, raw := range values {
		data[name] = typed(raw)
	}
	return data
}

func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case 'r':
			out.WriteByte('\r')
		case 'x':
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			check(err)
			out.WriteByte(byte(n))
			i += 2
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

func escape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\\':
			out.WriteString(`\\`)
		case r == utf8.RuneError && size == 1, r < 0x20, r == 0x7f:
			fmt.Fprintf(&out, `\x%02x`, s[i])
			i++
			continue
		default:
			out.WriteString(s[i : i+size])
		}
		i += size
	}
	return out.String()
}

func functions() template.FuncMap {
	f := sprig.TxtFuncMap()
	delete(f, "env")
	delete(f, "expandenv")
	f["getHostByName"] = func(string) string { return "" }
	return f
}

// Renders as helm does: missing keys are zero, a panic of the engine is an error, `<no value>` is nothing.
func render(text, poolPath string, cached any) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("PANIC %v", r)
		}
	}()
	t, err := template.New("t").Option("missingkey=zero").Funcs(functions()).Parse(text)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	data := cached
	if strings.Contains(text, ".") {
		data = pool(poolPath)
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("PANIC %v", r)
			}
		}()
		done <- t.Execute(&buf, data)
	}()
	err = <-done
	if err != nil {
		return "", err
	}
	return buf.String(), nil
}

// fixed is randomness that is always the same byte.
type fixed struct{}

func (fixed) Read(buf []byte) (int, error) {
	for i := range buf {
		buf[i] = 0x5a
	}
	return len(buf), nil
}

func main() {
	// A value that holds itself ends the process: sooner, then.
	debug.SetMaxStack(32 << 20)
	if os.Getenv("ORACLE_RANDOM") == "fixed" {
		rand.Reader = fixed{}
		uuid.SetRand(fixed{})
	}
	if os.Getenv("ORACLE_LOCAL") != "" {
		loc, err := time.LoadLocation(os.Getenv("ORACLE_LOCAL"))
		check(err)
		time.Local = loc
	}
	in, err := os.Open(os.Args[2])
	check(err)
	out, err := os.Create(os.Args[3])
	check(err)
	writer := bufio.NewWriter(out)
	data := pool(os.Args[1])
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 1<<26)
	for scanner.Scan() {
		answer, err := render(unescape(scanner.Text()), os.Args[1], data)
		if err != nil {
			writer.WriteString("!" + escape(err.Error()) + "\n")
		} else {
			writer.WriteString("=" + escape(answer) + "\n")
		}
		check(writer.Flush())
	}
	check(scanner.Err())
	check(writer.Flush())
	check(out.Close())
}
