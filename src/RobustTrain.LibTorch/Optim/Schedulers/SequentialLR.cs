namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            public static LRScheduler SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1) => new impl.SequentialLR(optimizer, schedulers, milestones, last_epoch);

            public static partial class impl
            {
                /// <summary>One scheduler after another: the next one begins anew at each milestone.</summary>
                public class SequentialLR : LRScheduler
                {
                    private readonly LRScheduler[] _schedulers;
                    private readonly int[] _milestones;

                    public SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1) : base(optimizer, last_epoch + 1, false)
                    {
                        _schedulers = [.. schedulers];
                        _milestones = [.. milestones];
                        if (_schedulers.Any(scheduler => scheduler._optimizer != optimizer))
                            throw new ArgumentException("SequentialLR expects all its schedulers to be of the same optimizer.", nameof(schedulers));
                        if (_milestones.Length != _schedulers.Length - 1)
                            throw new ArgumentException($"Received {_schedulers.Length} schedulers and {_milestones.Length} milestones; SequentialLR expects one scheduler more than milestones.", nameof(milestones));
                        // Each scheduler made its first step when it was built; only the first one's counts.
                        foreach (ILearningRateController group in optimizer.ParamGroups) group.LearningRate = group.InitialLearningRate;
                        foreach (LRScheduler scheduler in _schedulers) scheduler._last_epoch--;
                        _schedulers[0].step();
                        _last_lrs = [.. Current];
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        int active = _milestones.Count(milestone => milestone <= _last_epoch);
                        if (active > 0 && _milestones[active - 1] == _last_epoch) _schedulers[active].step(0);
                        else _schedulers[active].step();
                        return Current;
                    }
                }
            }
        }
    }
}
