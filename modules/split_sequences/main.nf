// A large file of proteins becomes parts of about equal residues, for a task each.
process SPLIT_SEQUENCES {
    tag "${source.tokenize('/').last()}"

    input:
    tuple val(source), path(fasta, stageAs: 'input/*')
    val part_residues
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    tuple val(source), path('parts/part_*.fasta'), emit: parts
    path '*.split-sequences.json', emit: report

    script:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow split-sequences --input ${fasta} --part-residues ${part_residues} --output parts --json > ${name}.split-sequences.json
    """

    stub:
    def name = Shell.safeName(source.tokenize('/').last())
    """
    mkdir parts
    touch parts/part_00001.stub.fasta ${name}.split-sequences.json
    """
}
