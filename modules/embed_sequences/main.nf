// Embeds one FASTA file into one shard.
process EMBED_SEQUENCES {
    tag "${source.tokenize('/').last()}"
    label 'embed'
    containerOptions { Embedding.mounts(options, checkpoints) }

    input:
    tuple val(source), val(key), path(fasta, stageAs: 'input/*') // key: of the file in the embedding cache
    path model, stageAs: 'model/*' // the files of a model folder; none for kmer
    val options // map: the command's options by name (model, pooling, ...)
    val checkpoints // folder of finished vectors, from which a killed task resumes; '' for none
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    // shard, its description, the task's report, and the list of skipped records, if there are any
    tuple val(source), val(key), path('*.h5'), path('*.description'), path('*.embed-sequences.json'), path('*.skipped.csv', arity: '0..*'), emit: embedded

    script:
    def name = Shell.safeName(source.tokenize('/').last())
    def blocks = checkpoints ? "--checkpoints ${Shell.quote(checkpoints)}" : ''
    def threads = options.model == 'kmer' ? '' : "--threads ${task.cpus}"
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow embed-sequences ${Shell.options(options)} ${blocks} ${threads} \\
        --input ${fasta} --name ${Shell.quote(source)} \\
        --output ${name}.h5 --description ${name}.description \\
        --allow-empty --skipped ${name}.skipped.csv \\
        --json > ${name}.embed-sequences.json
    """

    stub:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    touch ${name}.h5 ${name}.description ${name}.skipped.csv ${name}.embed-sequences.json
    """
}
