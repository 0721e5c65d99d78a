# Runs swiftpod in the guest, as its user and as root: on this kernel an overlay in a user namespace can have no data-only
# layers, so trees are made of hard links. A line for each check; the exit status is the number of those that failed.
. /test/checks.sh

# Everything below calls swiftpod as $who and through this.
as() { sh /test/as.sh "$who" "$@"; }
pod() { as /test/swiftpod "$@"; }

same_tree() { # what a container lists is what the image says
    run "$@" list > /tmp/listing && diff /test/expected.txt /tmp/listing
}

# The log is written by another process.
logs() { pod logs "$1" | grep -q "$2"; }

loads() {
    check "load an oci-archive" pod load -q -i /test/oci.tar
    check "load a docker-archive" pod load -q -i /test/docker.tar
    check "the files of the oci-archive" same_tree localhost/vm-oci
    check "the files of the docker-archive" same_tree localhost/vm-docker
}

isolates() {
    check "a container changes files that share an object" run localhost/vm-oci sh -c \
        "echo more >> /tree/plain; chown 7 /tree/same; rm /tree/big; echo x > /tree/hard-a"
    check "no other container sees it" same_tree localhost/vm-oci
    # Until one of them is written: without `index`, which podman turns off too, overlayfs then parts them.
    check "hard links of the image are one file" run localhost/vm-oci test /tree/hard-a -ef /tree/hard-b
    check "a file capability works" output_is "CapEff:0000000000000400" run -u worker localhost/vm-oci sh -c \
        "/tree/cap/cat /proc/self/status | grep CapEff | sed 's/[[:space:]]//g'"
    check "a set-user-id file is one" run localhost/vm-oci test -u /tree/setuid
    check "exit status of the command" fails_with 3 run localhost/vm-oci sh -c "exit 3"
    check "127 for a command that is not there" fails_with 127 run localhost/vm-oci nothing
}

keeps_ids() {
    rm -rf /scratch
    mkdir /scratch
    chown tester /scratch
    check "the files with keep-id" same_tree --userns=keep-id --user 0 localhost/vm-oci
    check "keep-id is the caller" output_is 1000 run --userns=keep-id localhost/vm-oci id -u
    check "keep-id writes a volume" run --userns=keep-id -v /scratch:/data localhost/vm-oci touch /data/file
    check "the file is the caller's" output_is 1000:1000 stat -c %u:%g /scratch/file
    check "the files of the first mapping are as they were" same_tree localhost/vm-oci
}

lives() {
    check "run -d" pod run -d --name life --network=none localhost/vm-oci sh -c "echo hello; sleep 1000"
    check "ps" output_is life pod ps --format "{{.Names}}"
    check "logs" eventually logs life hello
    check "exec" output_is exec pod exec life echo exec
    check "stop" pod stop -t 1 life
    check "rm" pod rm life
    check "nothing is left in ps -a" output_is "" pod ps -aq
}

removes() {
    check "rmi" pod rmi localhost/vm-oci localhost/vm-docker
    check "no image is left" output_is "" pod images -q
    check "no object is left" output_is "" find "$data/swiftpod" -type f -size +900k
}

for part in limits memory shares workers runtime delegation; do . /test/$part.sh; done

echo "up after $(cut -d' ' -f1 /proc/uptime) s: $(uname -r)"
for who in tester root; do
    data=/home/tester/.local/share
    [ "$who" = tester ] || data=/var/lib
    check "version" pod version
    loads
    isolates
    [ "$who" = root ] || keeps_ids
    lives
    limits
    memory_limits
    shares
    workers
    bundles
    check "no cgroup is left" output_is "" groups
    removes
done
echo "$passed passed, $failed failed, after $(cut -d' ' -f1 /proc/uptime) s"
exit $failed
