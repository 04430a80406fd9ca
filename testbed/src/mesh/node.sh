#!/bin/bash
# Process 1 of a node, in network, mount, UTS, IPC and process namespaces of its own: when it is
# killed, the kernel ends every process of the node, and mounts and interfaces go with them.
#
# Needs: FOLDER (of this node, with its files; logs go to $FOLDER/logs), PROGRAMS (etcd and
# Kubernetes' daemons), SEED (containerd's images), NODE, ADDRESS, PODS, SERVICES, LABELS,
# DOMAIN (of Services).
set -u
hostname "$NODE"
logs=$FOLDER/logs
until [[ -e $FOLDER/plugged ]]; do sleep 0.02; done

# Private folders to write to, in memory.
for folder in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 "$NODE" "$folder"; done
mkdir -p /run/lock /run/cni/net.d /var/lib/kubelet /var/lib/etcd /var/log/pods /var/log/containers
cp "$FOLDER/bridge.conflist" /run/cni/net.d/10-bridge.conflist

# The kubelet requires settings of the whole machine: bind mounts show it these values, and
# nothing is changed.
show() {
  local copy=/run/shown/${1//\//_}
  mkdir -p /run/shown
  echo "$2" > "$copy"
  mount --bind "$copy" "/proc/sys/$1"
}
show vm/overcommit_memory 1
show vm/panic_on_oom 0
show kernel/panic 10
show kernel/panic_on_oops 1
show kernel/keys/root_maxkeys 1000000
show kernel/keys/root_maxbytes 25000000
# These two are of this network namespace only.
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet

# The images: files that containerd writes to are copied, all others are shared.
containerd_root=/var/lib/containerd
content=io.containerd.content.v1.content
snapshots=io.containerd.snapshotter.v1.overlayfs
mkdir -p $containerd_root/$content/blobs $containerd_root/$content/ingest $containerd_root/$snapshots/snapshots
cp -a "$SEED/io.containerd.metadata.v1.bolt" $containerd_root/
cp -a "$SEED/$snapshots/metadata.db" $containerd_root/$snapshots/
mount --bind "$SEED/$content/blobs" $containerd_root/$content/blobs
for snapshot in "$SEED/$snapshots/snapshots"/*; do
  target=$containerd_root/$snapshots/snapshots/${snapshot##*/}
  mkdir -p "$target"
  mount --bind "$snapshot" "$target"
done

# The daemons run for minutes: less garbage collection for more memory.
export GOGC=400 GOMEMLIMIT=600MiB

# A daemon that ends is restarted, as by a service manager.
keep() {
  local name=$1
  shift
  while :; do
    "$@" >> "$logs/$name.log" 2>&1 < /dev/null
    echo "ended with $?" >> "$logs/$name.log"
    sleep 0.5
  done &
}

keep etcd "$PROGRAMS/etcd" --data-dir=/var/lib/etcd --unsafe-no-fsync --log-level=warn \
  --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
  --listen-peer-urls=http://127.0.0.1:2380
keep containerd containerd --config "$FOLDER/containerd.toml"
keep kube-apiserver "$PROGRAMS/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
  --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$ADDRESS" \
  --tls-cert-file="$FOLDER/server.crt" --tls-private-key-file="$FOLDER/server.key" --cert-dir=/run/kube-apiserver \
  --service-account-issuer="https://kubernetes.default.svc.$DOMAIN" \
  --service-account-key-file="$FOLDER/accounts.pub" --service-account-signing-key-file="$FOLDER/accounts.key" \
  --token-auth-file="$FOLDER/tokens.csv" --authorization-mode=Node,RBAC \
  --service-cluster-ip-range="$SERVICES" --allow-privileged --kubelet-preferred-address-types=InternalIP \
  --profiling=false
keep kube-controller-manager "$PROGRAMS/kube-controller-manager" --kubeconfig="$FOLDER/controllers.kubeconfig" \
  --authentication-kubeconfig="$FOLDER/controllers.kubeconfig" --authorization-kubeconfig="$FOLDER/controllers.kubeconfig" \
  --leader-elect=false --use-service-account-credentials --cert-dir=/run/kube-controller-manager \
  --service-account-private-key-file="$FOLDER/accounts.key" --root-ca-file="$FOLDER/ca.crt" \
  --allocate-node-cidrs --cluster-cidr="$PODS" --service-cluster-ip-range="$SERVICES" \
  --flex-volume-plugin-dir=/run/kube-controller-manager/flex
keep kube-scheduler "$PROGRAMS/kube-scheduler" --kubeconfig="$FOLDER/scheduler.kubeconfig" \
  --authentication-kubeconfig="$FOLDER/scheduler.kubeconfig" --authorization-kubeconfig="$FOLDER/scheduler.kubeconfig" \
  --leader-elect=false --cert-dir=/run/kube-scheduler
until [[ -S /run/containerd/containerd.sock ]]; do sleep 0.1; done
keep kubelet "$PROGRAMS/kubelet" --config="$FOLDER/kubelet.json" --kubeconfig="$FOLDER/kubelet.kubeconfig" \
  --root-dir=/var/lib/kubelet --cert-dir=/var/lib/kubelet/pki --hostname-override="$NODE" --node-ip="$ADDRESS" \
  --node-labels="$LABELS"
keep kube-proxy "$PROGRAMS/kube-proxy" --config="$FOLDER/kube-proxy.json"

# Wait for all processes: process 1 also reaps orphaned ones.
while :; do wait -n || true; sleep 0.2; done
