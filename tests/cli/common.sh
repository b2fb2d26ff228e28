# Sourced by the tests of this folder: $1 is the program, $2 the source directory. A scratch directory that is removed.
set -eu
nnsm=$1 source=$2
scratch=$(mktemp -d)
trap 'umount "$scratch/disk" 2>/dev/null || :; rm -rf "$scratch"' EXIT
cd "$scratch"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl_vader_single_copy_mechanism=none
python=/usr/bin/python3
small="--set system.lattice=[6,6] --set generate.configurations=3000 --set generate.chains=192
  --set generate.interval=5 --set generate.thermalization=50 --set network.hidden=[20,12] --set train.epochs=4
  --set train.batch=200 --set scan.sweeps=60 --set scan.thermalization=20 --set run.progress=100"
fail() { echo "FAILED: $*" >&2; exit 1; }
