"""A plain PyTorch training loop, without any library: the 135M shape with LoRA r=16 on all linear layers, 4 rows of 256 tokens a step.

  torch_reference.py f32|bf16 CHECKPOINTING(0|1) STEPS [lowlora]

lowlora: adapters in the precision of the base instead of f32 (PEFT's way). Prints one line with tokens/s and peak memory.
"""
import sys, time, math, resource, torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.checkpoint import checkpoint
torch.manual_seed(0)

class Lora(nn.Module):
    def __init__(s, i, o, r, scale, dt):
        super().__init__()
        s.w = nn.Parameter(torch.randn(o, i, dtype=dt) * 0.6 / i**0.5, requires_grad=False)
        s.a = nn.Parameter(torch.randn(r, i) / i**0.5); s.b = nn.Parameter(torch.randn(o, r) * 0.02); s.s = scale
        s.ad = dt if s.lowlora else torch.float32
    lowlora = False
    def forward(s, x):
        y = F.linear(x, s.w)
        if s.lowlora: return y + s.s * F.linear(F.linear(x, s.a.to(x.dtype)), s.b.to(x.dtype))
        # PEFT: adapter in float32, input cast to it, result added to the base output
        return (y + s.s * F.linear(F.linear(x.to(s.a.dtype), s.a), s.b)).to(y.dtype)

class Norm(nn.Module):
    def __init__(s, h, dt): super().__init__(); s.w = nn.Parameter(torch.ones(h, dtype=dt), requires_grad=False)
    def forward(s, x):
        f = x.float(); f = f * torch.rsqrt(f.pow(2).mean(-1, keepdim=True) + 1e-5)
        return s.w * f.to(x.dtype)

def rope(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin

class Block(nn.Module):
    def __init__(s, c, dt):
        super().__init__(); s.c = c; h, d = c['h'], c['h'] // c['heads']; kv = c['kv'] * d; L = lambda i, o: Lora(i, o, c['r'], c['scale'], dt)
        s.n1, s.n2 = Norm(h, dt), Norm(h, dt)
        s.q, s.k, s.v, s.o, s.g, s.u, s.d = L(h, h), L(h, kv), L(h, kv), L(h, h), L(h, c['ff']), L(h, c['ff']), L(c['ff'], h)
    def forward(s, x, cos, sin, mask):
        c = s.c; B, T, H = x.shape; d = H // c['heads']; n = s.n1(x)
        q = s.q(n).view(B, T, -1, d).transpose(1, 2); k = s.k(n).view(B, T, -1, d).transpose(1, 2); v = s.v(n).view(B, T, -1, d).transpose(1, 2)
        q, k = rope(q, cos, sin), rope(k, cos, sin); g = c['heads'] // c['kv']
        k, v = k.repeat_interleave(g, 1), v.repeat_interleave(g, 1)
        o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        x = x + s.o(o.transpose(1, 2).reshape(B, T, H)); n = s.n2(x)
        return x + s.d(F.silu(s.g(n)) * s.u(n))

class Llama(nn.Module):
    def __init__(s, c, dt=torch.float32):
        super().__init__(); s.c = c; s.emb = nn.Parameter(torch.randn(c['vocab'], c['h'], dtype=dt) * 0.05, requires_grad=False)
        s.blocks = nn.ModuleList(Block(c, dt) for _ in range(c['layers'])); s.norm = Norm(c['h'], dt)
    def forward(s, tok, pos, mask, labels, ck=False):
        c = s.c; d = c['h'] // c['heads']; x = s.emb[tok]
        if ck: x = x.detach().requires_grad_()
        f = pos[:, None].float() * c['theta'] ** (-torch.arange(0, d, 2).float() / d); f = torch.cat((f, f), -1)
        cos, sin = f.cos().to(x.dtype), f.sin().to(x.dtype)
        for b in s.blocks: x = checkpoint(b, x, cos, sin, mask, use_reentrant=False) if ck else b(x, cos, sin, mask)
        logits = F.linear(s.norm(x), s.emb).float()
        return F.cross_entropy(logits.view(-1, c['vocab']), labels.view(-1), ignore_index=-100)

SMOL = dict(h=576, layers=30, heads=9, kv=3, ff=1536, vocab=49152, r=16, scale=2.0, theta=1e5)
def bench(dt, ck, reps, fill=1.0):
    Lora.lowlora = 'lowlora' in sys.argv
    md = Llama(SMOL, dict(f32=torch.float32, bf16=torch.bfloat16)[dt]); opt = torch.optim.AdamW([p for p in md.parameters() if p.requires_grad], 1e-4)
    tok = torch.randint(0, 49152, (4, 256)); lab = torch.randint(0, 49152, (4, 256)); lab[torch.rand(4, 256) > fill] = -100; ts = []; cs = []
    for i in range(reps + 1):
        t = time.time(); c = time.process_time(); loss = md(tok, torch.arange(256), None, lab, ck); loss.backward(); opt.step(); opt.zero_grad()
        if i: ts.append(time.time() - t); cs.append(time.process_time() - c)
        print(f'  step {i} loss {loss.item():.4f} {time.time() - t:.2f}s', file=sys.stderr)
    ts.sort(); print(f'torch {dt} ck={ck} {sys.argv[4:]}: tok/s max {1024/ts[0]:.1f} median {1024/ts[len(ts)//2]:.1f} min {1024/ts[-1]:.1f}; step s min {ts[0]:.2f}; cpu-s min {min(cs):.2f}; peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1048576:.2f} GiB', flush=True)

bench(sys.argv[1], sys.argv[2] == '1', int(sys.argv[3]))
