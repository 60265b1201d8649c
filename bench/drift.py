#!/usr/bin/env python3
"""How fast changes made by hand are put back: one, and many at once, with 1,000 managed objects.

  drift.py --mttp PATH/mttp.py --control-plane DIR --suite BIN_DIR:CRDS_DIR [--apps 250] [--objects 1000]

Uses the throw-away control plane, the registry and the sample application of the project's bench/mttp.py. Two shapes of
1,000 objects: `apps` Kustomizations of four objects each, and one Kustomization of `objects` ConfigMaps. Eight writers
change objects; a watch in a process of its own takes the time at which the server shows each change and each repair, so
that neither the writers' own time nor Python's threads are measured. At the end the controller is stopped and the
server is asked for the same two writes per object (the change and the apply) by a script: what the server itself can do.

Prints one JSON line per measurement: seconds from change to repair (median, p99, worst), how long the writers took,
repairs a second over the whole, CPU seconds, and the requests that the API server counted, by verb and resource.
"""
import argparse, collections, importlib.util, json, os, queue, re, signal, subprocess, sys, threading, time

WATCH = r'''
import sys, json, time, http.client, ssl
conn = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=ssl._create_unverified_context())
conn.request("GET", sys.argv[2] + "?watch=true", headers={"Authorization": "Bearer admintoken"})
for line in conn.getresponse():
    now, obj = time.time(), json.loads(line)["object"]
    value = obj["spec"]["ports"][0]["port"] if "spec" in obj else (obj.get("data") or {}).get("k")
    print(json.dumps([now, obj["metadata"]["name"], value]), flush=True)
'''
SSA, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
CONTENT, CONFIG = "application/vnd.cncf.flux.content.v1.tar+gzip", "application/vnd.cncf.flux.config.v1+json"


class Seen(threading.Thread):
    """Every state of the objects of a path, with the time it was seen."""

    def __init__(self, port, path):
        super().__init__(daemon=True)
        self.watch = subprocess.Popen([sys.executable, "-c", WATCH, str(port), path], stdout=subprocess.PIPE, text=True)
        self.rows = []
        self.start()

    def run(self):
        for line in self.watch.stdout:
            self.rows.append(json.loads(line))


def requests(cluster):
    """Requests the server has counted, by verb, resource, subresource, dry-run and code."""
    text, count = cluster.call("GET", "/metrics")[1].decode(), collections.Counter()
    for labels, value in re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", text, re.M):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        keys = [label.get(k, "") for k in ("verb", "resource", "subresource", "dry_run", "code")]
        count[" ".join(k for k in keys if k)] += float(value)
    return count


def each(cluster, jobs, writers=8):
    """Sends the requests of each job, `writers` jobs at a time. Returns seconds."""
    line, codes = queue.Queue(), collections.Counter()
    for job in jobs:
        line.put(job)

    def work():
        conn = cluster.connection()
        while True:
            try:
                job = line.get_nowait()
            except queue.Empty:
                return
            for path, body, content in job:
                codes[cluster.call("PATCH", path, body, content, conn)[0]] += 1
    threads, began = [threading.Thread(target=work) for _ in range(writers)], time.time()
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert set(codes) == {200}, codes
    return time.time() - began


def storm(cluster, seen, names, change, good, limit):
    """Changes objects and waits until all are back."""
    at, began, changed, back = len(seen.rows), time.time(), {}, {}
    took = each(cluster, [[change(name)] for name in names])
    while len(back) < len(names) and time.time() < began + limit:
        time.sleep(0.02)
        while at < len(seen.rows):
            when, name, value = seen.rows[at]
            at += 1
            if value != good:
                changed.setdefault(name, when)
            elif name in changed:
                back.setdefault(name, when)
    times = sorted(back[n] - changed[n] for n in back)
    pick = lambda share: round(times[min(len(times) - 1, int(len(times) * share))], 3) if times else None
    whole = max(back.values(), default=began) - began
    return {"changed": len(names), "back": len(back), "median_s": pick(0.5), "p99_s": pick(0.99), "worst_s": pick(1),
            "writers_s": round(took, 2), "all_back_s": round(whole, 2), "per_s": round(len(back) / whole, 1) if whole else None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--mttp", "--control-plane", "--suite"):
        parser.add_argument(name, required=True)
    for name, default in (("--apps", 250), ("--objects", 1000), ("--concurrent", 20), ("--base-port", 28000), ("--limit", 60)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--registry-bin", default="docker-registry")
    args = parser.parse_args()
    found = importlib.util.spec_from_file_location("mttp", args.mttp)
    mttp = importlib.util.module_from_spec(found)
    found.loader.exec_module(mttp)
    cluster = mttp.Cluster(os.path.abspath(args.control_plane), args.base_port)
    try:
        measure(mttp, cluster, args)
    finally:
        cluster.stop()


def install(mttp, cluster, args):
    """Both shapes of objects, ready. Returns the processes of the server and of the kustomize-controller."""
    bins, _, crds = args.suite.partition(":")
    base, conn = args.base_port, cluster.connection()
    cluster.kubectl("apply", "--server-side", "-f", crds)
    registry = base + 9
    with open(f"{cluster.dir}/registry.yml", "w") as file:
        file.write(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {cluster.dir}/registry}}}}\nhttp: {{addr: '127.0.0.1:{registry}'}}\n")
    cluster.start("registry", args.registry_bin, "serve", f"{cluster.dir}/registry.yml")
    mttp.wait(lambda: mttp.socket.socket().connect_ex(("127.0.0.1", registry)) == 0, 20, "no registry")
    mttp.publish(registry, "1.0.0", ["ks"])
    maps = "".join(f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c-{i}}}\ndata: {{k: v}}\n" for i in range(args.objects))
    build = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [maps.yaml]\n"
    mttp.push(registry, "apps/big", "latest", mttp.tgz({"deploy/maps.yaml": maps, "deploy/kustomization.yaml": build}), CONTENT, b"{}", CONFIG)
    for name in ("apps", "big", "flux-system"):
        cluster.apply(f"/api/v1/namespaces/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, conn)
    common, env = ["--enable-leader-election=false", "--log-level=error"], {"KUBECONFIG": cluster.kubeconfig, "RUNTIME_NAMESPACE": "flux-system"}
    os.makedirs(f"{cluster.dir}/artifacts")
    cluster.start("source-controller", f"{bins}/source-controller", *common, "--concurrent=10", f"--storage-path={cluster.dir}/artifacts",
                  f"--storage-addr=127.0.0.1:{base+10}", f"--storage-adv-addr=127.0.0.1:{base+10}", f"--metrics-addr=127.0.0.1:{base+11}",
                  f"--health-addr=127.0.0.1:{base+12}", env=env)
    controller = cluster.start("kustomize-controller", f"{bins}/kustomize-controller", *common, f"--concurrent={args.concurrent}",
                               f"--metrics-addr=127.0.0.1:{base+13}", f"--health-addr=127.0.0.1:{base+14}", env=env)
    time.sleep(3)
    sources, kustomizations = "/apis/source.toolkit.fluxcd.io/v1/namespaces", "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces"

    def app(space, name, image):
        cluster.apply(f"{sources}/{space}/ocirepositories/{name}", {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
            "metadata": {"name": name, "namespace": space}, "spec": {"interval": "60m", "insecure": True,
            "url": f"oci://127.0.0.1:{registry}/apps/{image}", "ref": {"tag": "latest"}}}, conn)
        cluster.apply(f"{kustomizations}/{space}/kustomizations/{name}", {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": space}, "spec": {"interval": "60m", "path": "./deploy", "prune": True, "wait": True,
            "timeout": "5m", "targetNamespace": space, "sourceRef": {"kind": "OCIRepository", "name": name},
            "postBuild": {"substitute": {"INDEX": name}}}}, conn)
    watches = {space: mttp.Watch(cluster, f"{kustomizations}/{space}/kustomizations") for space in ("apps", "big")}
    for number in range(args.apps):
        app("apps", f"app-{number}", "app")
    app("big", "big", "big")
    assert watches["apps"].until(mttp.ready, args.apps, 600) == args.apps and watches["big"].until(mttp.ready, 1, 300) == 1
    time.sleep(5)
    return next(p for p in cluster.procs if p.title == "kube-apiserver"), controller


def measure(mttp, cluster, args):
    server, controller = install(mttp, cluster, args)
    port, apps, big = args.base_port + 2, "/api/v1/namespaces/apps/services", "/api/v1/namespaces/big/configmaps"
    services, maps = Seen(port, apps), Seen(port, big)
    time.sleep(2)

    def renumber(name):
        ports = [{"name": "http", "port": 81, "targetPort": 9898, "protocol": "TCP"}]
        return f"{apps}/{name}?fieldManager=intruder", {"metadata": {"labels": {"drift": str(time.time())}}, "spec": {"ports": ports}}, MERGE

    def overwrite(name):
        return f"{big}/{name}?fieldManager=intruder", {"data": {"k": str(time.time())}}, MERGE

    def row(what, seen, names, change, good):
        before, cpu = requests(cluster), (mttp.cpu(server), mttp.cpu(controller))
        result = storm(cluster, seen, names, change, good, args.limit)
        used = mttp.cpu(server) - cpu[0]
        time.sleep(4)
        after = requests(cluster)
        counted = {key: int(after[key] - before[key]) for key in after if after[key] - before[key] >= max(1, len(names) // 10)}
        result |= {"server_cpu_s": round(used, 2), "server_cpu_settled_s": round(mttp.cpu(server) - cpu[0], 2),
                   "controller_cpu_s": round(mttp.cpu(controller) - cpu[1], 2), "controller_peak_mib": round(mttp.peak(controller), 1)}
        print(json.dumps({"what": what, **result, "requests": counted}), flush=True)
    for number in range(5):
        row(f"one of {args.apps} applications", services, [f"app-{number}"], renumber, 80)
    for number in range(5):
        row(f"one of {args.objects} objects of one Kustomization", maps, [f"c-{number}"], overwrite, "v")
    for count in sorted({min(100, args.apps), args.apps}):
        row(f"{count} applications at once", services, [f"app-{i}" for i in range(count)], renumber, 80)
    for count in sorted({min(100, args.objects), min(400, args.objects)}):
        row(f"{count} objects of one Kustomization at once", maps, [f"c-{i}" for i in range(count)], overwrite, "v")
    os.kill(controller.pid, signal.SIGSTOP)
    owner = {f"kustomize.toolkit.fluxcd.io/{key}": "big" for key in ("name", "namespace")}

    def put_back(name):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "big", "labels": owner}, "data": {"k": "v"}}
        return f"{big}/{name}?fieldManager=kustomize-controller&force=true", body, SSA
    cpu, names = mttp.cpu(server), [f"c-{i}" for i in range(min(400, args.objects))]
    took = each(cluster, [[overwrite(name), put_back(name)] for name in names])
    print(json.dumps({"what": "the server alone: change and apply by a script", "per_s": round(len(names) / took, 1),
                      "server_cpu_s": round(mttp.cpu(server) - cpu, 2)}), flush=True)
    os.kill(controller.pid, signal.SIGCONT)


if __name__ == "__main__":
    main()
