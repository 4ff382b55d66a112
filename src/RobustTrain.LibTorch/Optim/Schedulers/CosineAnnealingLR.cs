namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            public static LRScheduler CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) => new impl.CosineAnnealingLR(optimizer, T_max, eta_min, last_epoch, verbose);

            public static partial class impl
            {
                /// <summary>Lowers the rate along half a cosine to eta_min (Loshchilov and Hutter, ICLR 2017).</summary>
                public class CosineAnnealingLR : LRScheduler
                {
                    private readonly double _period;
                    private readonly double _least;

                    public CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _period = T_max;
                        _least = eta_min;
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (_last_epoch == 0) return Scaled(1);
                        double[] current = Current;
                        // At the bottom of the curve the ratio below would divide by zero.
                        if ((_last_epoch - 1 - _period) % (2 * _period) == 0)
                            return current.Zip(_base_lrs, (lr, start) => lr + (start - _least) * (1 - Math.Cos(Math.PI / _period)) / 2);
                        double ratio = (1 + Math.Cos(Math.PI * _last_epoch / _period)) / (1 + Math.Cos(Math.PI * (_last_epoch - 1) / _period));
                        return current.Select(lr => ratio * (lr - _least) + _least);
                    }

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        _base_lrs.Select(lr => _least + (lr - _least) * (1 + Math.Cos(Math.PI * _last_epoch / _period)) / 2);
                }
            }
        }
    }
}
