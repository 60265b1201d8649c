// How long Helm takes for a chart in process, beside `cargo bench -p weir-chart` and its test of a thousand renderings: loads a
// chart, renders it again and again with other values, and prints the time and the memory of it.
//
//	mkdir /tmp/h && cp bench/helm_in_process.go /tmp/h/main.go && cd /tmp/h && go mod init h
//	go get helm.sh/helm/v4@v4.3.1 && go mod tidy && go build -o h . && ./h CHART 100
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// status is a line of /proc/self/status, in KiB.
func status(name string) string {
	text, err := os.ReadFile("/proc/self/status")
	must(err)
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, name) {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	return ""
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	must(err)
	start := time.Now()
	for range count {
		_, err := loader.Load(os.Args[1])
		must(err)
	}
	load := time.Since(start) / time.Duration(count)
	kube, err := common.ParseKubeVersion("1.36.0")
	must(err)
	start = time.Now()
	for number := range count {
		// A run changes the chart that it is given.
		chart, err := loader.Load(os.Args[1])
		must(err)
		install := action.NewInstall(action.NewConfiguration())
		install.DryRunStrategy = action.DryRunClient
		install.ReleaseName, install.Namespace, install.KubeVersion, install.Replace = "rel", "ns", kube, true
		_, err = install.Run(chart, map[string]any{"weirNumber": float64(number)})
		must(err)
		if number%max(count/5, 1) == 0 {
			fmt.Println(number, status("VmRSS"))
		}
	}
	render := time.Since(start)/time.Duration(count) - load
	fmt.Printf("load %v, render %v, %s, %s\n", load, render, status("VmRSS"), status("VmHWM"))
}
