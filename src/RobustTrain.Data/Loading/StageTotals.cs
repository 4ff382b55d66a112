namespace RobustTrain.Data.Loading;

/// <summary>Adds up the workers' times, in ticks of the stopwatch.</summary>
internal sealed unsafe class StageTotals
{
    private readonly long[] _stages = new long[StageTimes.StageCount];

    public long Samples { get; private set; }

    public long LoadTicks { get; private set; }

    public long WaitTicks { get; private set; }

    public long this[LoadStage stage] => _stages[(int)stage];

    public void Add(WorkerCell* cell)
    {
        Samples += Volatile.Read(ref cell->Samples);
        LoadTicks += Volatile.Read(ref cell->LoadTicks);
        WaitTicks += Volatile.Read(ref cell->WaitTicks);
        for (int stage = 0; stage < _stages.Length; stage++)
            _stages[stage] += cell->Stages[(LoadStage)stage];
    }

    public void Add(StageTotals other)
    {
        Samples += other.Samples;
        LoadTicks += other.LoadTicks;
        WaitTicks += other.WaitTicks;
        for (int stage = 0; stage < _stages.Length; stage++)
            _stages[stage] += other._stages[stage];
    }

    public StageTotals Minus(StageTotals other)
    {
        StageTotals difference = new()
        {
            Samples = Samples - other.Samples,
            LoadTicks = LoadTicks - other.LoadTicks,
            WaitTicks = WaitTicks - other.WaitTicks,
        };
        for (int stage = 0; stage < _stages.Length; stage++)
            difference._stages[stage] = _stages[stage] - other._stages[stage];
        return difference;
    }
}
