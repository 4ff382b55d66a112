namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            public static LRScheduler PolynomialLR(Optimizer optimizer, int total_iters = 5, double power = 1.0, int last_epoch = -1, bool verbose = false) => new impl.PolynomialLR(optimizer, total_iters, power, last_epoch, verbose);

            public static partial class impl
            {
                /// <summary>Lowers the rate to zero as (1 - epoch / total_iters) to a power.</summary>
                public class PolynomialLR : LRScheduler
                {
                    private readonly double _totalIters;
                    private readonly double _power;

                    public PolynomialLR(Optimizer optimizer, int total_iters = 5, double power = 1.0, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _totalIters = total_iters;
                        _power = power;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => Scaled(
                        _last_epoch == 0 || _last_epoch > _totalIters ? 1
                        : Math.Pow((1 - _last_epoch / _totalIters) / (1 - (_last_epoch - 1) / _totalIters), _power));

                    protected override IEnumerable<double> get_closed_form_lr() => _base_lrs.Select(lr => lr * Math.Pow(1 - Math.Min(_totalIters, _last_epoch) / _totalIters, _power));
                }
            }
        }
    }
}
