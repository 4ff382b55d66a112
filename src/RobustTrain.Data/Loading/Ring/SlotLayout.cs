namespace RobustTrain.Data.Loading.Ring;

/// <summary>Where the fields of a batch stand in its slot: one after the other, each aligned to 64 bytes, the samples side by side.</summary>
internal sealed class SlotLayout
{
    /// <summary>The alignment of fields and slots in bytes: a cache line, and what vector instructions want.</summary>
    public const int Alignment = 64;

    public SlotLayout(IReadOnlyList<FieldSpec> fields, int batchSize)
    {
        Fields = fields;
        Placements = new FieldPlacement[fields.Count];
        long offset = 0;
        for (int field = 0; field < fields.Count; field++)
        {
            Placements[field] = new FieldPlacement(offset, fields[field].ByteLength);
            offset = Align(offset + ((long)fields[field].ByteLength * batchSize));
        }

        Bytes = Math.Max(offset, Alignment);
    }

    public IReadOnlyList<FieldSpec> Fields { get; }

    public FieldPlacement[] Placements { get; }

    /// <summary>The bytes of a slot, a multiple of <see cref="Alignment"/>.</summary>
    public long Bytes { get; }

    public static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    public int IndexOf(string field)
    {
        for (int index = 0; index < Fields.Count; index++)
        {
            if (Fields[index].Name == field)
                return index;
        }

        throw new KeyNotFoundException(
            $"The dataset has no field '{field}'; it has {string.Join(", ", Fields.Select(spec => $"'{spec.Name}'"))}.");
    }
}
