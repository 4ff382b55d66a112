namespace TorchSharp.Modules;

public abstract class ParameterLessModule<T1, TResult> : torch.nn.Module<T1, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name) { }

    protected internal override torch.nn.Module _to(torch.Device device, torch.ScalarType dtype, bool non_blocking) => this;
    protected internal override torch.nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override torch.nn.Module _to(torch.ScalarType dtype, bool non_blocking) => this;

    public override void register_buffer(string name, torch.Tensor tensor, bool persistent = true) => throw Refused("buffer");
    public override void register_parameter(string name, Parameter param) => throw Refused("parameter");
    public override void register_module(string name, torch.nn.Module submodule) => throw Refused("submodule");

    private static InvalidOperationException Refused(string what) => new($"Cannot register a {what} on a module that is declared 'parameter-less.'");
}
