#!/bin/bash
# One run that is saved and queues itself again before its time is up, until it is finished. From the repository root:
#   sbatch jobscripts/run.sh CONFIG [nnsm options]           all stages
#   sbatch jobscripts/run.sh STAGE CONFIG [nnsm options]     one stage: generate, train or scan
#SBATCH --requeue --open-mode=append --signal=B:USR1@300
#
# ==== edit here: what differs between clusters =======================================================================
##SBATCH --partition=standard
##SBATCH --account=project
#SBATCH --job-name=nnsm
#SBATCH --time=12:00:00
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
# module purge; module load gcc openmpi hdf5
launcher=${NNSM_LAUNCHER:-mpirun} # or: srun --mpi=pmix
nnsm=${NNSM:-build/release/nnsm}
# =====================================================================================================================

. jobscripts/functions.sh || { echo "submit from the repository root" >&2; exit 2; }
case ${1:-} in
  run | generate | train | scan) nnsm_job "$@" ;;
  *) nnsm_job run "$@" ;;
esac
