namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            /// <summary>Sets the learning rates of an optimiser's groups, one step after another.</summary>
            public abstract class LRScheduler
            {
                protected int _step_count;

                internal readonly Optimizer _optimizer;
                internal readonly IReadOnlyList<double> _base_lrs;
                internal int _last_epoch;
                internal double[] _last_lrs;
                private readonly bool _verbose;

                protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    ArgumentNullException.ThrowIfNull(optimizer);
                    _optimizer = optimizer;
                    _last_epoch = last_epoch;
                    _verbose = verbose;
                    _base_lrs = [.. optimizer.ParamGroups.Select(group => group.InitialLearningRate)];
                    _last_lrs = Current;
                }

                private protected double[] Current => [.. _optimizer.ParamGroups.Select(group => group.LearningRate)];

                public virtual void step() => step(null);

                /// <param name="epoch">Null for the next one; otherwise the rates are computed for it from the initial ones.</param>
                public virtual void step(int? epoch)
                {
                    _step_count++;
                    _last_epoch = epoch ?? _last_epoch + 1;
                    // Once only: computing the rates may step other schedulers.
                    double[] rates = [.. epoch is null ? get_lr() : get_closed_form_lr()];
                    int i = 0;
                    foreach (ILearningRateController group in _optimizer.ParamGroups)
                    {
                        if (_verbose && group.LearningRate != rates[i]) Console.WriteLine($"Adjusting learning rate to {rates[i]}");
                        group.LearningRate = rates[i++];
                    }
                    _last_lrs = rates;
                }

                /// <param name="current">A metric, for schedulers that look at one.</param>
                /// <param name="epoch">As in <see cref="step(int?)"/>.</param>
                public virtual void step(double current, int? epoch = null) => step(epoch);

                protected virtual IEnumerable<double> get_lr() => Current;

                protected virtual IEnumerable<double> get_closed_form_lr() => get_lr();

                public IEnumerable<double> get_last_lr() => _last_lrs;

                private protected IEnumerable<double> Scaled(double factor) => Current.Select(lr => lr * factor);
            }
        }
    }
}
