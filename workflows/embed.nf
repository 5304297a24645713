// FASTA files -> parts of large files -> shards; vectors of other formats -> shards; together with the user's shards.

include { SPLIT_SEQUENCES } from '../modules/split_sequences/main.nf'
include { EMBED_SEQUENCES } from '../modules/embed_sequences/main.nf'
include { IMPORT_VECTORS } from '../modules/import_vectors/main.nf'
include { after ; barrier } from './barrier.nf'

workflow EMBED {
    take:
    files   // list of [source, kind, path, ids, bytes]: see lib/InputFiles.groovy
    options // map: options of embed-sequences by name
    request // map: see lib/Request.groovy
    gate    // value channel: no task starts before it emits

    main:
    def cache = new EmbeddingCache(request.embedding_cache, options, request.embedding.files)
    def checkpoints = Embedding.checkpoints(options, workflow.workDir)
    def shard_files = files.findAll { file -> file.kind == 'shard' }.collect { file -> [file.source, file.path] }
    def vector_files = files.findAll { file -> file.kind == 'vectors' }.collect { file -> [file.source, file.path, file.ids ?: []] }
    def (large, small) = files.findAll { file -> file.kind == 'fasta' }
        .split { file -> SequenceParts.isLarge(file, request.part_residues) }
        .collect { list -> list.collect { file -> [file.source, file.path] } }

    SPLIT_SEQUENCES(after(channel.fromList(large), gate), request.part_residues, Embedding.readingOf(request), request.workers.split_sequences)
    // list of [source, part] of one large file
    parts = SPLIT_SEQUENCES.out.parts.map { source, list -> SequenceParts.keep(source, list, workflow.workDir) }
    // [source, key, FASTA file or part, entry of the cache or null]
    sequences = after(channel.of(small), gate).mix(parts)
        .flatMap { list -> cache.find(list) }
        .branch { row ->
            known: row[3]
            unknown: true
        }
    EMBED_SEQUENCES(
        sequences.unknown.map { source, key, file, _entry -> [source, key, file] },
        request.embedding.files,
        options,
        checkpoints,
        request.workers.embed_sequences,
    )
    // [source, [shard, description, report, and list of skipped records, if there are any]]
    embedded = EMBED_SEQUENCES.out.embedded
        .map { source, key, shard, description, report, skipped -> [source, cache.keep(source, key, [shard, description, report] + skipped)] }
        .mix(sequences.known.map { source, _key, _file, entry -> [source, entry] })

    IMPORT_VECTORS(after(channel.fromList(vector_files), gate), request.subMap(['h5_embedding', 'h5_id', 'keep']), request.workers.import_vectors)

    // value: shard count, known when every large file has been divided
    shard_count = barrier(parts, channel.value(large.size()), { list -> list[0][0] })
        .map { lists -> small.size() + shard_files.size() + vector_files.size() + lists.sum(0) { list -> list.size() } }
    own_shards = embedded.map { source, kept -> [source, kept[0]] }.mix(IMPORT_VECTORS.out.shard)
    // value: list of shards, by source
    shards = barrier(own_shards.mix(channel.fromList(shard_files)), shard_count, { source, _shard -> source })
        .map { pairs -> pairs.collect { _source, shard -> shard } }

    emit:
    // value: list of shards, by source
    shards
    // [source, description] of each shard that was embedded or imported
    descriptions = embedded.map { source, kept -> [source, kept[1]] }.mix(IMPORT_VECTORS.out.description)
    // [source, table of records and files that one task skipped]
    skipped = SPLIT_SEQUENCES.out.skipped.mix(embedded.flatMap { source, kept -> kept.drop(3).collect { table -> [source, table] } })
    // JSON report of a task
    reports = SPLIT_SEQUENCES.out.report.mix(embedded.map { _source, kept -> kept[2] }, IMPORT_VECTORS.out.report)
}
