#!/bin/sh
# One job of the array for each shard: `sbatch slurm.sh`. When all have ended, join them from the folder that it
# was started in: `cachestorm merge shards/$SLURM_ARRAY_JOB_ID --out merged`.
#SBATCH --job-name=cachestorm
#SBATCH --array=0-2
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
cachestorm run --client my-cache/client.toml --shard auto --seed "$SLURM_ARRAY_JOB_ID" --out "shards/$SLURM_ARRAY_JOB_ID"
