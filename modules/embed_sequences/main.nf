// One file of proteins becomes one shard of vectors.
process EMBED_SEQUENCES {
    tag "${source.tokenize('/').last()}"
    label 'embed'
    containerOptions { Embedding.mounts(options, checkpoints) }

    input:
    tuple val(source), path(fasta, stageAs: 'input/*')
    path model, stageAs: 'model/*' // the files of a model folder; none for kmer
    val options // model, pooling, ...: names and values of the command's options
    val checkpoints // folder for finished vectors, with which a killed task goes on; '' for none
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    tuple val(source), path('*.h5'), emit: shard
    tuple val(source), path('*.description'), emit: description
    path '*.embed-sequences.json', emit: report

    script:
    def name = Shell.safeName(source.tokenize('/').last())
    def blocks = checkpoints ? "--checkpoints ${Shell.quote(checkpoints)}" : ''
    def threads = options.model == 'kmer' ? '' : "--threads ${task.cpus}"
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow embed-sequences ${Shell.options(options)} ${blocks} ${threads} --input ${fasta} --name ${Shell.quote(source)} \\
        --output ${name}.h5 --description ${name}.description --json > ${name}.embed-sequences.json
    """

    stub:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    touch ${name}.h5 ${name}.description ${name}.embed-sequences.json
    """
}
