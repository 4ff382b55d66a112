using System.Reflection;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.LibTorch;

/// <summary>Operators on the inputs of the fixture, beside Python's.</summary>
public sealed class OperatorTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("operators");

    private static readonly Dictionary<string, Func<Inputs, Tensor>> s_calls = new()
    {
        ["add"] = i => i.X + i.Y, ["add scalar"] = i => i.X + 2.5, ["add alpha"] = i => i.X.add(i.Y, 0.5), ["sub"] = i => i.X - i.Y, ["rsub"] = i => 1.5 - i.X,
        ["mul"] = i => i.X * i.Y, ["mul int"] = i => i.Integers * 3, ["div"] = i => i.X / i.Y, ["rdiv"] = i => 2.0 / i.Positive,
        ["div floor"] = i => i.X.div(i.Y, RoundingMode.floor), ["div trunc int"] = i => i.Integers.div(i.Divisors, RoundingMode.trunc),
        ["int div"] = i => i.Integers / i.Divisors, ["floor_divide"] = i => i.Integers.floor_divide(i.Divisors), ["mod"] = i => i.Integers % i.Divisors,
        ["mod float"] = i => i.X % 0.7, ["fmod"] = i => i.X.fmod(0.7), ["pow"] = i => i.Positive.pow(1.7), ["pow tensor"] = i => i.Positive.pow(i.Y), ["neg"] = i => -i.X,
        ["and"] = i => i.Flags & (i.X > 0), ["or"] = i => i.Flags | (i.X > 0), ["xor"] = i => i.Flags ^ (i.X > 0), ["not"] = i => ~i.Flags, ["int and"] = i => i.Integers & i.Divisors,
        ["eq"] = i => i.Integers == i.Divisors, ["ne"] = i => i.Integers != 2, ["lt"] = i => i.X < i.Y, ["le"] = i => i.X <= 0.1, ["gt"] = i => i.X > i.Y, ["ge"] = i => i.X >= 0.1, ["scalar lt"] = i => 0.2 < i.X,
        ["maximum"] = i => maximum(i.X, i.Y), ["minimum"] = i => minimum(i.X, i.Y), ["clamp"] = i => i.X.clamp(-0.3, 0.4), ["clamp min"] = i => i.X.clamp_min(0.1), ["clamp tensor"] = i => i.X.clamp(-i.Positive, i.Positive),
        ["where"] = i => where(i.Flags, i.X, i.Y), ["masked_fill"] = i => i.X.masked_fill(i.Flags, -1), ["masked_select"] = i => i.X.masked_select(i.Flags), ["lerp"] = i => i.X.lerp(i.Y, i.Positive),
        ["addcmul"] = i => i.X.addcmul(i.Y, i.Positive, 0.3), ["addcdiv"] = i => i.X.addcdiv(i.Y, i.Positive, 0.3), ["atan2"] = i => i.X.atan2(i.Y), ["round decimals"] = i => i.X.round(2),
        ["isclose"] = i => i.X.isclose(i.X + 1e-6 * i.Y), ["xlogy"] = i => i.Positive.xlogy(i.Positive), ["elu"] = i => i.X.elu(0.5), ["leaky_relu"] = i => i.X.leaky_relu(0.1), ["hardtanh"] = i => i.X.hardtanh(-0.4, 0.5), ["threshold"] = i => i.X.threshold(0.1, -2), ["logit"] = i => (i.Positive / 2).logit(),
        ["sum dim"] = i => i.Cube.sum(1), ["sum dims keep"] = i => i.Cube.sum([0, 2], keepdim: true), ["sum type"] = i => i.Flags.sum(), ["sum float64"] = i => i.X.sum(ScalarType.Float64), ["mean dims"] = i => i.Cube.mean([1, 2]), ["prod dim"] = i => i.Cube.prod(2),
        ["std dim"] = i => i.Cube.std(1), ["var biased"] = i => i.Cube.var(2, unbiased: false, keepdim: true), ["max dim"] = i => i.Cube.max(1).values, ["max dim index"] = i => i.Cube.max(1).indexes, ["min dim"] = i => i.Cube.min(2, keepdim: true).values,
        ["argmax dim"] = i => i.Cube.argmax(1), ["argmin keep"] = i => i.Cube.argmin(2, keepdim: true), ["amax"] = i => i.Cube.amax([0, 1]), ["amin"] = i => i.Cube.amin([1], keepdim: true), ["logsumexp"] = i => i.Cube.logsumexp(1), ["norm dim"] = i => i.Cube.norm(1), ["norm 1"] = i => i.X.norm(1f),
        ["cumsum"] = i => i.Cube.cumsum(2), ["cumprod"] = i => i.Cube.cumprod(1), ["softmax"] = i => i.Cube.softmax(1), ["log_softmax"] = i => i.Cube.log_softmax(2), ["softmax float64"] = i => i.Cube.softmax(0, ScalarType.Float64), ["bincount"] = i => bincount(i.Counts, minlength: 6), ["bincount weights"] = i => bincount(i.Counts, arange(6.0)),
        ["count_nonzero"] = i => i.Flags.count_nonzero(), ["topk"] = i => i.X.topk(2).values, ["topk index"] = i => i.X.topk(2, 1, largest: false).indexes, ["sort"] = i => i.X.sort(0, descending: true).Values, ["argsort"] = i => i.X.argsort(1), ["kthvalue"] = i => i.X.kthvalue(2, 1).values, ["quantile"] = i => i.X.quantile(tensor(new[] { 0.1f, 0.5f }), 1), ["histc"] = i => i.X.histc(4, -2, 2),
        ["unique"] = i => i.Counts.unique().output, ["std_mean"] = i => i.X.std_mean().mean, ["dist"] = i => i.X.dist(i.Y), ["nansum"] = _ => tensor(new[] { 1f, float.NaN }).nansum(), ["median"] = i => i.X.median(), ["all dim"] = i => i.Flags.all(1), ["any dim"] = i => i.Flags.any(0, keepdim: true), ["mode"] = i => i.Counts.mode().values,
        ["reshape"] = i => i.Cube.reshape(4, 6), ["view"] = i => i.Cube.view(6, -1), ["permute"] = i => i.Cube.permute(2, 0, 1), ["transpose"] = i => i.Cube.transpose(0, 2), ["unsqueeze"] = i => i.X.unsqueeze(1), ["squeeze"] = i => i.X.unsqueeze(1).squeeze(1), ["flatten from"] = i => i.Cube.flatten(1), ["unflatten"] = i => i.X.unflatten(1, 2, 2), ["expand"] = i => i.X.unsqueeze(0).expand(2, -1, -1), ["repeat"] = i => i.X.repeat(2, 1), ["tile"] = i => i.X.tile([1, 2]),
        ["roll"] = i => i.X.roll(1, 1), ["roll flat"] = i => i.X.roll(2), ["flip"] = i => i.Cube.flip(0, 2), ["rot90"] = i => i.X.rot90(), ["narrow"] = i => i.X.narrow(1, 1, 2), ["select"] = i => i.Cube.select(1, 2), ["slice"] = i => i.Cube.slice(1, 0, 3, 2), ["index_select"] = i => i.X.index_select(0, i.Index), ["gather"] = i => i.X.gather(0, i.GatherIndex), ["scatter"] = i => i.X.scatter(0, i.GatherIndex, i.Y[..2]), ["scatter_add"] = i => i.X.scatter_add(0, i.GatherIndex, i.Y[..2]),
        ["index_add"] = i => i.X.index_add(0, i.Index, i.Y, 0.5), ["index_fill"] = i => i.X.index_fill(0, tensor(new long[] { 1 }), 9), ["take"] = i => i.X.take(tensor(new long[] { 0, 5, 11 })), ["tril"] = i => i.Square.tril(), ["triu"] = i => i.Square.triu(1), ["diag"] = i => i.Square.diag(), ["diagonal"] = i => i.Cube.diagonal(0, 1, 2), ["unfold"] = i => i.X.unfold(1, 2, 1), ["repeat_interleave"] = i => i.X.repeat_interleave(2, 1),
        ["cat"] = i => cat([i.X, i.Y], 1), ["stack"] = i => stack([i.X, i.Y], 1), ["chunk"] = i => i.Cube.chunk(2, 2)[1], ["split"] = i => i.X.split(2, 1)[1], ["split sizes"] = i => i.X.split([1L, 3], 1)[1], ["unbind"] = i => i.X.unbind(1)[2], ["tensor_split"] = i => i.X.tensor_split(3, 1)[0], ["hstack"] = i => hstack(i.X, i.Y), ["vstack"] = i => vstack([i.X, i.Y]), ["meshgrid"] = _ => meshgrid([arange(2), arange(3)])[1], ["one_hot"] = i => nn.functional.one_hot(i.Counts, 4),
        ["matmul"] = i => i.X.matmul(i.Y.t()), ["mm"] = i => i.X.mm(i.Y.t()), ["bmm"] = i => i.Cube.bmm(i.Cube.transpose(1, 2)), ["mv"] = i => i.X.mv(i.Y[0]), ["dot"] = i => i.X[0].dot(i.Y[0]), ["outer"] = i => i.X[0].outer(i.Y[1]), ["addmm"] = i => i.Square.addmm(i.X, i.Y.t(), 0.5f, 2), ["einsum"] = i => einsum("bij,bkj->bik", i.Cube, i.Cube), ["baddbmm"] = i => i.Cube.baddbmm(ones(2, 3, 2), ones(2, 2, 4)),
        ["index number"] = i => i.Cube[1], ["index numbers"] = i => i.Cube[1, 2, 3], ["index negative"] = i => i.Cube[-1, TensorIndex.Colon, ^2], ["index ellipsis"] = i => i.Cube[TensorIndex.Ellipsis, 1..3], ["index new axis"] = i => i.Cube[TensorIndex.Colon, TensorIndex.None], ["index step"] = i => i.Cube[TensorIndex.Colon, TensorIndex.Slice(step: 2)], ["index mask"] = i => i.X[i.Flags], ["index tensor"] = i => i.X[i.Index], ["index tensors"] = i => i.X[i.Index, tensor(new long[] { 1, 1, 3 })], ["index mixed"] = i => i.Cube[TensorIndex.Colon, TensorIndex.Tensor(i.Index), TensorIndex.Slice(1, 3)], ["index mask rows"] = i => i.Cube[tensor(new[] { true, false })],
        ["arange"] = _ => arange(5), ["arange step"] = _ => arange(1, 2, 0.25), ["linspace"] = _ => linspace(0, 1, 5), ["eye"] = _ => eye(2, 3), ["full"] = _ => full(2, 2, 7), ["full float"] = _ => full(2, 0.5), ["zeros int"] = _ => zeros(2, 3, int32), ["ones_like"] = i => ones_like(i.Integers), ["to type"] = i => i.X.to(int64), ["to half"] = i => i.X.half().@float(), ["to bool"] = i => i.Integers.@bool(), ["byte"] = i => i.Divisors.@byte(),
    };

    public static TheoryData<string> Keyed => [.. s_fixture.GetProperty("keyed").EnumerateObject().Select(property => property.Name)];

    public static TheoryData<string, string> Unary
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (JsonProperty source in s_fixture.GetProperty("unary").EnumerateObject())
            {
                foreach (JsonProperty name in source.Value.EnumerateObject()) cases.Add(source.Name, name.Name);
            }
            return cases;
        }
    }

    [LibTorchTheory]
    [MemberData(nameof(Keyed))]
    public void An_operator_gives_what_Pythons_does(string key)
    {
        using DisposeScope scope = NewDisposeScope();
        Fixture.Same(s_fixture.GetProperty("keyed").GetProperty(key), s_calls[key](new Inputs(s_fixture.GetProperty("inputs").Tensors())), key);
    }

    [LibTorchTheory]
    [MemberData(nameof(Unary))]
    public void An_operator_of_one_tensor_gives_what_Pythons_does(string source, string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = s_fixture.GetProperty("inputs").GetProperty(source).Tensor();
        JsonElement expected = s_fixture.GetProperty("unary").GetProperty(source).GetProperty(name);

        // By reflection, with every parameter at its default: the method is what its name says.
        MethodInfo method = typeof(Tensor).GetMethods().Where(candidate => candidate.Name == name && candidate.ReturnType == typeof(Tensor) && candidate.GetParameters().All(parameter => parameter.HasDefaultValue))
            .MinBy(candidate => candidate.GetParameters().Length)!;
        var result = (Tensor)method.Invoke(input, [.. method.GetParameters().Select(parameter => parameter.DefaultValue)])!;
        Fixture.Same(expected, result, name);

        // In place, where there is such a form and the type stays.
        MethodInfo? inPlace = typeof(Tensor).GetMethod(name + "_", []);
        if (inPlace is null || result.dtype != input.dtype || !result.shape.SequenceEqual(input.shape)) return;
        var returned = (Tensor)inPlace.Invoke(input, [])!;
        Assert.Same(input, returned);
        Fixture.Same(expected, input, name + "_");
    }

    private sealed class Inputs(Dictionary<string, Tensor> tensors)
    {
        internal Tensor X => tensors["x"];
        internal Tensor Y => tensors["y"];
        internal Tensor Positive => tensors["positive"];
        internal Tensor Integers => tensors["integers"];
        internal Tensor Divisors => tensors["divisors"];
        internal Tensor Flags => tensors["flags"];
        internal Tensor Cube => tensors["cube"];
        internal Tensor Square => tensors["square"];
        internal Tensor Index => tensors["index"];
        internal Tensor GatherIndex => tensors["gather_index"];
        internal Tensor Counts => tensors["counts"];
    }
}
