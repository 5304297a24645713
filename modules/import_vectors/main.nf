// Writes the vectors of a file in another format as a shard.
process IMPORT_VECTORS {
    tag "${source.tokenize('/').last()}"

    input:
    tuple val(source), path(vectors, stageAs: 'input/*'), path(ids, stageAs: 'ids/*') // ids: of .npy, otherwise none
    val names // map: h5_embedding, h5_id, of HDF5; keep, of HDF5 and Parquet
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    tuple val(source), path('*.h5'), emit: shard
    tuple val(source), path('*.description'), emit: description
    path '*.import-vectors.json', emit: report

    script:
    def name = Shell.safeName(source.tokenize('/').last())
    def options = source ==~ /(?i).*\.(h5|hdf5)/ ? names : source ==~ /(?i).*\.parquet/ ? names.subMap(['keep']) : [:]
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow import-vectors --input ${vectors} ${ids ? "--ids ${ids}" : ''} ${Shell.options(options)} \\
        --name ${Shell.quote(source)} --output ${name}.h5 --description ${name}.description \\
        --json > ${name}.import-vectors.json
    """

    stub:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    touch ${name}.h5 ${name}.description ${name}.import-vectors.json
    """
}
