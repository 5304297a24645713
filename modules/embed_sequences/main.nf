// One file of proteins becomes one shard of vectors.
process EMBED_SEQUENCES {
    tag "${source.tokenize('/').last()}"
    label 'embed'

    input:
    tuple val(source), path(fasta, stageAs: 'input/*')
    path model, stageAs: 'model/*' // empty for kmer, which has no files
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    tuple val(source), path('*.h5'), emit: shard
    path '*.embed-sequences.json', emit: report

    script:
    def name = Shell.safeName(source.tokenize('/').last())
    def embedder = model ? "${model} --threads ${task.cpus}" : 'kmer'
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow embed-sequences --model ${embedder} --input ${fasta} --output ${name}.h5 --json > ${name}.embed-sequences.json
    """

    stub:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    touch ${name}.h5 ${name}.embed-sequences.json
    """
}
