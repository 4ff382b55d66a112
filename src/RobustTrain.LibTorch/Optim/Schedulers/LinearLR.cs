namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            public static LRScheduler LinearLR(Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0, int total_iters = 5, int last_epoch = -1, bool verbose = false) => new impl.LinearLR(optimizer, start_factor, end_factor, total_iters, last_epoch, verbose);

            public static partial class impl
            {
                /// <summary>Raises or lowers the rate linearly from start_factor to end_factor: a warm-up.</summary>
                public class LinearLR : LRScheduler
                {
                    private readonly double _start;
                    private readonly double _end;
                    private readonly int _totalIters;

                    public LinearLR(Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0, int total_iters = 5, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _start = start_factor;
                        _end = end_factor;
                        _totalIters = total_iters;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => Scaled(
                        _last_epoch == 0 ? _start
                        : _last_epoch > _totalIters ? 1
                        : 1 + (_end - _start) / (_totalIters * _start + (_last_epoch - 1) * (_end - _start)));

                    protected override IEnumerable<double> get_closed_form_lr() => _base_lrs.Select(lr => lr * (_start + (_end - _start) * Math.Min(_totalIters, _last_epoch) / _totalIters));
                }
            }
        }
    }
}
